/* engines/ns/mnt/content-dump.c -- what is in file systems that live in memory only: saved with the images, as a tar archive inside gzip
 * (tmpfs-dev).
 */

#include <archive.h>
#include <archive_entry.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "criu-dump/mnt-own.h"
#include "criu-dump/ns_ops.h"
#include "criuimg/array.h"
#include "criuimg/cleanup.h"
#include "criuimg/image.h"
#include "kernel/ns.h"

IMG_DEFINE_CLEANUP(struct archive *, archive_free);
IMG_DEFINE_CLEANUP(struct archive_entry *, archive_entry_free);

/* ---- seeing it ---- */

struct seeking {
	int proc; /* ours: that of the namespace may know nothing of us */
	const struct kern_mounts *all;
	const struct kern_mount *m;
};

/* Is fd of a mount that shows what m does? Its own one has another id in the copy. */
static bool is_of(int fd, const struct kern_mount *m)
{
	struct kern_mounts now = KERN_MOUNTS_INIT;
	const struct kern_mount *at;
	bool same = false;

	if (kern_mounts_read_file("self/mountinfo", &now, NULL) == 0) {
		at = kern_mount_find(&now, dump_mnt_id(fd));
		same = at && mnt_dev(at) == mnt_dev(m) && !strcmp(at->root, m->root) && at->deleted == m->deleted;
	}
	kern_mounts_free(&now);
	return same;
}

/* In a copy of the namespace, where mounts have other ids: what lies over the mount is taken off until it is what its path leads
 * to. Whatever is mounted in it does not come along with a descriptor of it once the copy is gone. */
static int open_uncovered(void *arg, struct img_err *err)
{
	const struct seeking *s = arg;

	if (fchdir(s->proc) < 0)
		return img_fail_sys(err, "/proc");

	for (size_t tries = 0; tries <= s->all->nr; tries++) {
		cleanup_fd int fd = open(s->m->mountpoint, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
		bool took = false;

		if (fd >= 0 && is_of(fd, s->m))
			return steal_fd(&fd);
		/* The last mount on the way is the topmost. */
		for (size_t i = s->all->nr; i-- > 0 && !took;) {
			const struct kern_mount *o = &s->all->items[i];

			if (o == s->m || !strcmp(o->mountpoint, "/") || !kern_path_below(s->m->mountpoint, o->mountpoint))
				continue;
			took = umount2(o->mountpoint, MNT_DETACH) == 0;
		}
		if (!took)
			break;
	}
	return img_fail(err, IMG_UNSUPPORTED, "it is hidden by other mounts");
}

/* Where nothing lies over it: a clone of it without what is mounted in it. */
static int open_visible(void *arg, struct img_err *err)
{
	const struct seeking *s = arg;
	cleanup_fd int at = open(s->m->mountpoint, O_PATH | O_DIRECTORY | O_CLOEXEC), clone = -1;
	int fd;

	if (at < 0 || dump_mnt_id(at) != s->m->id)
		return img_fail(err, IMG_UNSUPPORTED, "it is hidden by other mounts");
	clone = (int)syscall(SYS_open_tree, at, "", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH);
	if (clone < 0)
		return img_fail_sys(err, "clone it");
	fd = openat(clone, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return fd < 0 ? img_fail_sys(err, "open it") : fd;
}

/* The same part of the same file system, mounted in our own namespace; NULL. */
static const struct kern_mount *our_mount(struct dump *d, const struct kern_mount *m, const struct kern_mounts **all)
{
	*all = dump_own_mounts(d, NULL);
	for (size_t i = 0; *all && i < (*all)->nr; i++) {
		const struct kern_mount *o = &(*all)->items[i];

		if (mnt_dev(o) == mnt_dev(m) && !strcmp(o->root, m->root) && o->deleted == m->deleted)
			return o;
	}
	return NULL;
}

int mnt_open(struct dump *d, const struct dump_mntns *ns, const struct kern_mount *m, struct img_err *err)
{
	cleanup_fd int proc = open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct seeking s = { proc, &ns->mounts, m };
	struct img_err why = IMG_ERR_INIT, ignored = IMG_ERR_INIT;
	int fd;

	if (proc < 0)
		return img_fail_sys(err, "/proc");
	/* Copying a namespace takes its time where it has many mounts. */
	if ((fd = kern_in_mntns(ns->ns->task->pid, 0, open_visible, &s, &ignored)) >= 0 ||
		(fd = kern_in_mntns(ns->ns->task->pid, 1, open_uncovered, &s, &why)) >= 0)
		return fd;
	/* The mounts of a namespace that a user namespace made are locked together (mount_namespaces(7)). Not so ours, of which it was made. */
	s.m = our_mount(d, m, &s.all);
	if (s.m && (fd = kern_in_mntns(getpid(), 1, open_uncovered, &s, &ignored)) >= 0)
		return fd;
	*err = why;
	return -1;
}

/* ---- the archive ---- */

static la_ssize_t put(struct archive *a, void *arg, const void *data, size_t len)
{
	struct img_err err = IMG_ERR_INIT;

	if (img_sink_write(arg, data, len, &err) == 0)
		return (la_ssize_t)len;
	archive_set_error(a, EIO, "%s", err.text);
	return -1;
}

static int fail(struct archive *a, struct img_err *err, const char *path)
{
	const char *why = archive_error_string(a);

	return img_fail(err, IMG_SYS, "'%s': %s", path, why ? why : "the archive library says nothing");
}

/* Holes are in the map that the header has; here they are zeros, which the library takes out again. */
static int pad(struct archive *out, la_int64_t len)
{
	static const char zeros[4096];

	while (len > 0) {
		la_ssize_t put = archive_write_data(out, zeros, len < (la_int64_t)sizeof(zeros) ? (size_t)len : sizeof(zeros));

		if (put <= 0)
			return -1;
		len -= put;
	}
	return 0;
}

static int copy_data(struct archive *in, struct archive *out, const char *path, struct img_err *err)
{
	la_int64_t at = 0;

	for (;;) {
		const void *data;
		la_int64_t offset;
		size_t len;
		int ret = archive_read_data_block(in, &data, &len, &offset);

		if (ret == ARCHIVE_EOF)
			return 0;
		if (ret < ARCHIVE_WARN)
			return fail(in, err, path);
		if (pad(out, offset - at) < 0 || archive_write_data(out, data, len) < 0)
			return fail(out, err, path);
		at = offset + (la_int64_t)len;
	}
}

/* Names begin with "./", as tar(1) writes them when told to archive ".". */
static int put_entry(struct dump *d, struct archive *in, struct archive *out, struct archive_entry *e, const char *root, struct img_err *err)
{
	const char *path = archive_entry_pathname(e);
	cleanup_free char *name = NULL;
	const char *rest = path + strlen(root);

	if (asprintf(&name, ".%s", *rest ? rest : "/") < 0) {
		name = NULL;
		return img_fail_nomem(err);
	}
	archive_entry_copy_pathname(e, name);
	if (archive_entry_hardlink(e) && !strncmp(archive_entry_hardlink(e), root, strlen(root))) {
		cleanup_free char *first = NULL;

		if (asprintf(&first, ".%s", archive_entry_hardlink(e) + strlen(root)) < 0) {
			first = NULL;
			return img_fail_nomem(err);
		}
		archive_entry_copy_hardlink(e, first);
	}
	archive_entry_set_uid(e, dump_uid(d, (uint32_t)archive_entry_uid(e)));
	archive_entry_set_gid(e, dump_gid(d, (uint32_t)archive_entry_gid(e)));
	if (archive_entry_filetype(e) == AE_IFSOCK)
		return 0; /* made by who binds it */
	if (archive_write_header(out, e) < ARCHIVE_WARN)
		return fail(out, err, name);
	return archive_entry_size(e) > 0 ? copy_data(in, out, name, err) : 0;
}

/* Entries go out when all links to them are known, which the resolver sees to. */
static int put_all(struct dump *d, struct archive *in, struct archive *out, const char *root, dev_t dev, struct img_err *err)
{
	struct archive_entry_linkresolver *links = archive_entry_linkresolver_new();
	int ret = 0;

	if (!links)
		return img_fail_nomem(err);
	archive_entry_linkresolver_set_strategy(links, ARCHIVE_FORMAT_TAR_GNUTAR);
	while (ret == 0) {
		cleanup_with(archive_entry_free) struct archive_entry *e = archive_entry_new();
		struct archive_entry *now = e, *later = NULL;
		int got = e ? archive_read_next_header2(in, e) : ARCHIVE_FATAL;

		if (got == ARCHIVE_EOF)
			break;
		if (got < ARCHIVE_WARN) {
			ret = fail(in, err, root);
			break;
		}
		/* Directories of other file systems are empty ones of this: they are mounted on again. */
		if (archive_entry_dev(e) == dev)
			archive_read_disk_descend(in);
		archive_entry_linkify(links, &now, &later);
		if (now)
			ret = put_entry(d, in, out, now, root, err);
	}
	archive_entry_linkresolver_free(links);
	return ret;
}

static int write_tar(struct dump *d, int fd, dev_t dev, struct img_sink *sink, struct img_err *err)
{
	cleanup_with(archive_free) struct archive *in = archive_read_disk_new(), *out = archive_write_new();
	char root[32];

	if (!in || !out)
		return img_fail_nomem(err);
	/* The dot: what is to be read is what the link leads to. */
	snprintf(root, sizeof(root), "/proc/self/fd/%d/.", fd);
	archive_read_disk_set_symlink_physical(in);
	archive_read_disk_set_behavior(in, ARCHIVE_READDISK_NO_TRAVERSE_MOUNTS);
	archive_write_add_filter_gzip(out);
	archive_write_set_filter_option(out, "gzip", "compression-level", "1");
	archive_write_set_format_pax_restricted(out);
	/* Nothing behind the end: what is cut off is seen to be missing. */
	archive_write_set_bytes_in_last_block(out, 1);
	if (archive_write_open(out, sink, NULL, put, NULL) < ARCHIVE_WARN)
		return fail(out, err, root);
	if (archive_read_disk_open(in, root) < ARCHIVE_WARN)
		return fail(in, err, root);
	if (put_all(d, in, out, root, dev, err) < 0)
		return -1;
	if (archive_write_close(out) < ARCHIVE_WARN)
		return fail(out, err, root);
	return 0;
}

static int dump_tar(struct dump *d, int fd, const struct kern_mount *m, struct img_err *err)
{
	char name[IMG_NAME_MAX];
	struct img_sink *sink = img_set_sink(d->set, img_kind_file_name(IMG_TMPFS_DEV, mnt_dev(m), name), err);

	if (!sink)
		return -1;
	if (write_tar(d, fd, makedev(m->major, m->minor), sink, err) < 0) {
		img_sink_abort(sink);
		return -1;
	}
	return img_sink_finish(sink, err);
}

/* ---- others ---- */

static int refuse_files(int fd, const char *what, struct img_err *err)
{
	int copy = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	cleanup_dir DIR *dir = copy >= 0 ? fdopendir(copy) : NULL;
	struct dirent *de;

	if (!dir)
		return img_fail_sys(err, "read it");
	while ((de = readdir(dir)))
		if (de->d_name[0] != '.')
			return img_fail(err, IMG_UNSUPPORTED, "%s '%s' is not supported", what, de->d_name);
	return 0;
}

int mnt_dump_content(struct dump *d, const struct dump_mntns *ns, const struct kern_mount *m, enum mnt_content what,
	struct img_err *err)
{
	cleanup_fd int fd = mnt_open(d, ns, m, err);

	if (fd < 0)
		return -1;
	switch (what) {
	case MNT_TAR:
		return dump_tar(d, fd, m, err);
	case MNT_EMPTY_ONLY:
		return refuse_files(fd, "message queue", err);
	case MNT_BINFMT:
		return mnt_dump_binfmt(d, fd, err);
	case MNT_NO_CONTENT:
		break;
	}
	return 0;
}
