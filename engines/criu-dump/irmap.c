/* criu-dump/irmap.c -- paths of watched inodes that the kernel does not tell.
 *
 * A file system that cannot open by handle leaves the inode's number alone. So the file is looked for where a user says, and then
 * in the places where programs like to watch. A pre-dump leaves what it found in irmap-cache; whoever reads it looks
 * whether it is still true.
 */

#include "criu-dump/irmap.h"

#include <fts.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include "criu-dump/dump.h"
#include "criu-dump/file-images.h"
#include "criu-dump/watched.h"
#include "criuimg/array.h"
#include "criuimg/cleanup.h"
#include "criuimg/image.h"
#include "fh.pb-c.h"
#include "kernel/maps.h"

extern const struct fd_dump_ops inotify_dump_ops, fanotify_dump_ops, file_dump_ops;

/* Where programs watch. Below these, no more files than that are looked at. */
static const char *const places[] = { "/etc", "/run", "/var/spool", "/var/log", "/var/lib", "/lib/udev", "/tmp" };
enum {
	LOOK_AT_MOST = 200000,
};

bool dump_irmap_allowed(const struct dump *d)
{
	return d->opt->force_irmap || d->opt->irmap_scan_paths.nr;
}

/* What a line of fdinfo says of the inode: up to the mask, and the handle. */
static bool same_inode(const char *a, const char *b)
{
	const char *ino_a = strstr(a, " ino:"), *ino_b = strstr(b, " ino:"), *handle_a = strstr(a, "fhandle-bytes:"),
		   *handle_b = strstr(b, "fhandle-bytes:");
	unsigned long long i, k;
	unsigned dev_i, dev_k;

	if (!ino_a || !ino_b || sscanf(ino_a, " ino:%llx sdev:%x", &i, &dev_i) != 2 || sscanf(ino_b, " ino:%llx sdev:%x", &k, &dev_k) != 2)
		return false;
	return i == k && dev_i == dev_k && (!handle_a || !handle_b || !strncmp(handle_a, handle_b, strcspn(handle_b, "\n")));
}

/* The numbers that stat(2) tells may be others than those of a watch (overlayfs): so it is watched for a moment, too. */
static bool watches_same(const char *path, uint32_t flags, const char *line)
{
	cleanup_fd int fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	cleanup_free char *text = NULL;
	struct img_err ignored = IMG_ERR_INIT;
	const char *at;
	size_t room = 0;
	cleanup_fd int dir = open("/proc/self/fdinfo", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0 || dir < 0 || inotify_add_watch(fd, path, IN_UNMOUNT | IN_DELETE_SELF | flags) < 0 ||
		kern_fdinfo_read(dir, fd, &text, &room, &ignored) < 0)
		return false;
	at = strstr(text, "\ninotify ");
	return at && same_inode(line, at + 1);
}

static bool leads_to(const char *path, const char *line)
{
	return watches_same(path, IN_DONT_FOLLOW, line);
}

/* ---- what the tree has open ---- */

struct seeking {
	const char *line;
	uint64_t ino;
	int fd;
};

static void try_link(struct seeking *s, const char *link)
{
	if (s->fd < 0 && watches_same(link, 0, s->line))
		s->fd = open(link, O_PATH | O_CLOEXEC);
}

/* The directory that it is in, too. */
static int try_file(void *arg, struct dump_task *t, const struct fd_probe *probe, struct img_err *err)
{
	struct seeking *s = arg;
	const char *slash = strrchr(probe->link, '/');
	char path[PATH_MAX];
	struct stat st;

	if (s->fd >= 0)
		return 0;
	snprintf(path, sizeof(path), "/proc/%d/fd/%d", (int)t->pid, probe->fd);
	if (probe->ino == s->ino)
		try_link(s, path);
	if (s->fd < 0 && slash > probe->link && (size_t)(slash - probe->link) < sizeof(path)) {
		snprintf(path, sizeof(path), "/proc/%d/root%.*s", (int)t->pid, (int)(slash - probe->link), probe->link);
		if (stat(path, &st) == 0 && st.st_ino == s->ino)
			try_link(s, path);
	}
	return 0;
}

int dump_irmap_open(struct dump *d, const char *line, uint64_t ino, struct img_err *err)
{
	struct seeking s = { line, ino, -1 };

	for_each_live_task(d, t)
	{
		char link[64];
		struct stat st;

		snprintf(link, sizeof(link), "/proc/%d/cwd", (int)t->pid);
		if (s.fd < 0 && stat(link, &st) == 0 && st.st_ino == ino)
			try_link(&s, link);
		for (size_t i = 0; t->maps && s.fd < 0 && i < t->maps->nr; i++) {
			const struct kern_vma *vma = &t->maps->vmas[i];

			if (!vma->ino)
				continue;
			snprintf(link, sizeof(link), "/proc/%d/map_files/%llx-%llx", (int)t->pid, (unsigned long long)vma->start,
				(unsigned long long)vma->end);
			if (stat(link, &st) == 0 && st.st_ino == ino)
				try_link(&s, link);
		}
	}
	if (s.fd < 0 && dump_each_file(d, &file_dump_ops, try_file, &s, err) < 0)
		return -1;
	if (s.fd < 0)
		img_fail(err, IMG_UNSUPPORTED, "the tree does not have it open");
	return s.fd;
}

static int in_cache(struct dump *d, const char *line, uint64_t ino, char *path, size_t size, struct img_err *err)
{
	struct img_reader *reader = NULL;
	struct img_set *before = NULL;
	ProtobufCMessage *msg;
	char dir[PATH_MAX];
	int ret, found = 0;

	if (!d->opt->prev_images_dir)
		return 0;
	snprintf(dir, sizeof(dir), "%s/%s", d->opt->images_dir, d->opt->prev_images_dir);
	before = img_set_open_dir(AT_FDCWD, dir, err);
	if (!before)
		return -1;
	ret = img_reader_open(before, IMG_IRMAP_CACHE, 0, &reader, err);
	while (ret > 0 && !found && (ret = img_read(reader, &msg, err)) > 0) {
		const IrmapCacheEntry *e = (IrmapCacheEntry *)msg;

		if (e->inode == ino && strlen(e->path) < size && leads_to(e->path, line)) {
			snprintf(path, size, "%s", e->path);
			found = 1;
		}
		img_message_free(msg);
	}
	img_reader_close(reader);
	img_set_close(before);
	return ret < 0 ? -1 : found;
}

static int scan(struct dump *d, const char *top, const char *line, uint64_t ino, char *path, size_t size, struct img_err *err)
{
	char *tops[] = { (char *)top, NULL };
	FTS *fts = fts_open(tops, FTS_PHYSICAL | FTS_NOCHDIR, NULL);
	int found = 0, seen = 0;
	FTSENT *e;

	if (!fts)
		return 0; /* is not there */
	while (!found && seen++ < LOOK_AT_MOST && (e = fts_read(fts))) {
		if (e->fts_info == FTS_DP || e->fts_info == FTS_NS || e->fts_info == FTS_DNR)
			continue;
		if (e->fts_statp->st_ino == ino && e->fts_pathlen < size && leads_to(e->fts_path, line)) {
			snprintf(path, size, "%s", e->fts_path);
			found = 1;
		}
		if (seen % 1024 == 0 && dump_go_on(d, err) < 0)
			found = -1;
	}
	fts_close(fts);
	return found;
}

int dump_irmap_find(struct dump *d, const char *line, uint64_t ino, char *path, size_t size, struct img_err *err)
{
	int ret = in_cache(d, line, ino, path, size, err);

	for (size_t i = 0; ret == 0 && i < d->opt->irmap_scan_paths.nr; i++)
		ret = scan(d, d->opt->irmap_scan_paths.items[i], line, ino, path, size, err);
	for (size_t i = 0; ret == 0 && d->opt->force_irmap && i < ARRAY_SIZE(places); i++)
		ret = scan(d, places[i], line, ino, path, size, err);
	if (ret > 0)
		log_info(d->log, "inode %llu is '%s'", (unsigned long long)ino, path);
	return ret;
}

/* ---- a pre-dump ---- */

struct writing {
	struct dump *d;
	struct img_writer *w;
};

/* What a watch of a running task leads to may go at any time: then it is not in the cache. */
static int write_watches(void *arg, struct dump_task *t, const struct fd_probe *probe, struct img_err *err)
{
	const struct writing *writing = arg;
	const char *at = probe->extra;
	char line[1024];

	while (kern_fdinfo_next(&at, line, sizeof(line))) {
		IrmapCacheEntry rec = IRMAP_CACHE_ENTRY__INIT;
		struct img_err gone = IMG_ERR_INIT;
		const char *ino = strstr(line, " ino:");
		unsigned long long inode;
		unsigned sdev;
		char path[PATH_MAX];
		dev_t dev;

		if (!ino || sscanf(ino, " ino:%llx sdev:%x", &inode, &sdev) != 2)
			continue;
		if (dump_watched_path(writing->d, line, sdev, inode, path, sizeof(path), &dev, &gone) < 0)
			continue;
		rec.dev = (uint32_t)dev;
		rec.inode = inode;
		rec.path = path;
		if (img_write(writing->w, &rec.base, err) < 0)
			return -1;
	}
	return 0;
}

int dump_irmap_write(struct dump *d, struct img_err *err)
{
	struct writing writing = { d, NULL };

	if (!d->opt->force_irmap)
		return 0;
	writing.w = img_writer_create(d->set, IMG_IRMAP_CACHE, 0, err);
	if (!writing.w)
		return -1;
	if (!dump_files_get(d, err) || dump_each_file(d, &inotify_dump_ops, write_watches, &writing, err) < 0 ||
		dump_each_file(d, &fanotify_dump_ops, write_watches, &writing, err) < 0) {
		img_writer_abort(writing.w);
		return -1;
	}
	return img_writer_finish(writing.w, err);
}
