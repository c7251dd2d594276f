/* engines/criu-dump/watched.c -- inodes that inotify and fanotify watch. */

#include <fcntl.h>
#include <inttypes.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "criu-dump/dump.h"
#include "criu-dump/files.h"
#include "criu-dump/irmap.h"
#include "criu-dump/mounts.h"
#include "criu-dump/ns_ops.h"
#include "criu-dump/watched.h"
#include "criuimg/cleanup.h"
#include "kernel/handle.h"

/* Of the images: a handle has this many words at least, the rest zeros. */
enum {
	HANDLE_WORDS = FH_ENTRY_SIZES__min_entries,
};

/* The path of an opened file, seen to lead to it: 1; 0: it was deleted, and path is what its link says. *m: the mount namespace of the path,
 * NULL: ours. */
static int path_of(struct dump *d, int fd, const char *line, uint64_t ino, char *path, size_t size, struct dump_mntns **m,
	struct img_err *err)
{
	struct stat opened, named;
	char link[64];
	ssize_t len;

	*m = NULL;
	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	len = readlink(link, path, size - 1);
	if (len < 0 || fstat(fd, &opened) < 0)
		return img_fail_sys(err, "watched inode %" PRIu64, ino);
	path[len] = '\0';
	if (!opened.st_nlink)
		return 0;
	/* A pre-dump does not look at namespaces. */
	if (d->ns && dump_mntns_of(d, NULL, dump_mnt_id(fd), m, err) < 0)
		return -1;
	if (dump_path_stat(*m, path, &named) == 0 && named.st_ino == opened.st_ino && named.st_dev == opened.st_dev)
		return 1;
	if (dump_irmap_allowed(d)) {
		int ret = dump_irmap_find(d, line, ino, path, size, err);

		if (ret)
			return ret;
	}
	return img_fail(err, IMG_UNSUPPORTED, "it watches inode %" PRIu64 ", which has no path here ('%s'): --irmap-scan-path says where to "
		"look", ino, path);
}

/* By any mount of its file system: in whichever namespace of the tree, else in ours. */
static int open_watched(struct dump *d, dev_t dev, const struct kern_handle *handle, struct img_err *err)
{
	const struct dump_namespace *ns;

	for (size_t n = 0; (ns = dump_ns_nth(d, CLONE_NEWNS, n)); n++) {
		const struct dump_mntns *m = dump_mntns_get(d, ns, err);
		struct img_err ignored = IMG_ERR_INIT;
		int fd;

		if (!m)
			return -1;
		fd = kern_handle_open_in(&m->mounts, m->root_fd, dev, handle, O_PATH, &ignored);
		if (fd >= 0)
			return fd;
	}
	return kern_handle_open(dev, handle, O_PATH, err);
}

/* A file system without handles shows none. */
static int parse(const char *line, struct kern_handle *handle, struct img_err *err)
{
	*handle = (struct kern_handle){ 0 };
	return strstr(line, "fhandle-bytes:") ? kern_handle_parse(line, handle, err) : 0;
}

/* By its handle, or, where that leads nowhere, looked for. *fd: the file where it was opened by its handle, else -1. *m: as path_of(). */
static int find(struct dump *d, const struct kern_handle *handle, const char *line, dev_t dev, uint64_t ino, int *fd, char *path, size_t size,
	struct dump_mntns **m, struct img_err *err)
{
	struct img_err why = IMG_ERR_INIT;

	*fd = -1;
	*m = NULL;
	if (handle->bytes)
		*fd = open_watched(d, dev, handle, &why);
	else
		img_fail(&why, IMG_UNSUPPORTED, "its file system has no handles");
	if (*fd < 0) {
		struct img_err ignored = IMG_ERR_INIT;

		*fd = dump_irmap_open(d, line, ino, &ignored);
	}
	if (*fd >= 0)
		return path_of(d, *fd, line, ino, path, size, m, err);
	if (dump_irmap_allowed(d)) {
		int ret = dump_irmap_find(d, line, ino, path, size, err);

		if (ret)
			return ret;
	}
	return img_fail(err, IMG_UNSUPPORTED, "it watches inode %" PRIu64 ", which cannot be found (%s): --irmap-scan-path says where to look",
		ino, why.text);
}

int dump_watched_path(struct dump *d, const char *line, uint32_t sdev, uint64_t ino, char *path, size_t size, dev_t *dev,
	struct img_err *err)
{
	struct kern_handle handle;
	struct dump_mntns *m;
	cleanup_fd int fd = -1;
	int ret;

	*dev = kern_dev(sdev);
	if (parse(line, &handle, err) < 0)
		return -1;
	ret = find(d, &handle, line, *dev, ino, &fd, path, size, &m, err);
	return ret == 0 ? img_fail(err, IMG_UNSUPPORTED, "it watches a deleted file, '%s'", path) : ret < 0 ? -1 : 0;
}

int dump_watched(struct dump *d, struct dump_task *t, const char *line, uint32_t sdev, uint64_t ino, bool checking, FhEntry **out,
	struct img_err *err)
{
	struct kern_handle handle;
	struct dump_mntns *m;
	cleanup_fd int fd = -1;
	char path[4096];
	uint32_t id;
	FhEntry *fh;
	int ret;

	if (parse(line, &handle, err) < 0)
		return -1;
	ret = find(d, &handle, line, kern_dev(sdev), ino, &fd, path, sizeof(path), &m, err);
	/* A deleted file comes back as a ghost, known by device and inode, and has no path. */
	if (ret == 0)
		ret = checking ? dump_file_check(d, t, fd, path, 0, err) : dump_file_by_fd(d, t, fd, path, 0, &id, err);
	else
		ret = ret < 0 ? -1 : 1;
	if (ret < 0)
		return img_wrap(err, "what it watches");

	fh = img_arena_message(&d->arena, FhEntry, fh_entry);
	if (!fh || !(fh->handle = img_arena_array(&d->arena, HANDLE_WORDS, sizeof(*fh->handle))))
		return img_fail_nomem(err);
	fh->bytes = handle.bytes;
	fh->type = handle.type;
	fh->n_handle = HANDLE_WORDS;
	memcpy(fh->handle, handle.data, sizeof(handle.data));
	if (ret == 1 && !(fh->path = img_arena_strdup(&d->arena, path)))
		return img_fail_nomem(err);
	if (ret == 1 && m && fd >= 0) {
		fh->has_mnt_id = true;
		fh->mnt_id = (uint32_t)dump_mnt_id(fd);
	}
	*out = fh;
	return 0;
}
