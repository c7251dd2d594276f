/* engines/fd/ghost/ghost-dump.c -- what criu-dump saves of a file that has no name any more but is still open or mapped.
 *
 * A ghost is an inode: its attributes and its content in ghost-file-<id>.img, however many descriptions have it open; for each
 * of those remap-fpath.img says that its path leads to this ghost. A file with holes is saved by its stretches of data, any
 * other as it is.
 *
 * A file that lost the name it was opened by and has others is no ghost: on demand it gets a new name beside the old one.
 */

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "criu-dump/dump.h"
#include "criu-dump/files.h"
#include "criu-dump/mounts.h"
#include "criu-dump/ns_ops.h"
#include "criuimg/cleanup.h"
#include "criuimg/image.h"
#include "ghost-file.pb-c.h"
#include "kernel/idmap.h"
#include "kernel/owner.h"
#include "kernel/sparse.h"
#include "remap-file-path.pb-c.h"

#define COPY_SIZE (256u << 10)

int dump_ghost_check(struct dump *d, const struct fd_probe *probe, struct img_err *err)
{
	uint64_t bytes = probe->blocks * 512;

	if (S_ISREG(probe->mode) && bytes > d->opt->ghost_limit)
		return img_fail(err, IMG_UNSUPPORTED, "'%s' holds %llu bytes, more than --ghost-limit %llu", probe->link,
			(unsigned long long)bytes, (unsigned long long)d->opt->ghost_limit);
	return 0;
}

struct copy {
	struct img_writer *w;
	int fd;
	bool chunks;
	char *buf;
};

static int copy_stretch(void *arg, uint64_t start, uint64_t len, struct img_err *err)
{
	struct copy *c = arg;

	if (c->chunks) {
		GhostChunkEntry chunk = GHOST_CHUNK_ENTRY__INIT;

		chunk.len = len;
		chunk.off = start;
		if (img_write(c->w, &chunk.base, err) < 0)
			return -1;
	}
	while (len) {
		size_t want = len < COPY_SIZE ? (size_t)len : COPY_SIZE;
		ssize_t got = pread(c->fd, c->buf, want, (off_t)start);

		if (got < 0)
			return img_fail_sys(err, "read %zu bytes at %llu", want, (unsigned long long)start);
		if (got == 0)
			return img_fail(err, IMG_SYS, "ends at %llu, before its size", (unsigned long long)start);
		if (img_write_payload(c->w, c->buf, (size_t)got, err) < 0)
			return -1;
		start += (uint64_t)got;
		len -= (uint64_t)got;
	}
	return 0;
}

static int write_content(struct dump *d, struct img_writer *w, int fd, const struct stat *st, bool chunks, struct img_err *err)
{
	struct copy c = { .w = w, .fd = fd, .chunks = chunks };
	int ret;

	if (!st->st_size)
		return 0;
	c.buf = malloc(COPY_SIZE);
	if (!c.buf)
		return img_fail_nomem(err);
	if (chunks)
		ret = kern_file_data(fd, (uint64_t)st->st_size, d->opt->ghost_fiemap, copy_stretch, &c, err);
	else
		ret = copy_stretch(&c, 0, (uint64_t)st->st_size, err);
	free(c.buf);
	return ret;
}

/* A descriptor to read the content with: the task's may be for writing only, or O_PATH. */
static int reopen(int lfd, struct img_err *err)
{
	char self[40];
	int fd;

	snprintf(self, sizeof(self), "/proc/self/fd/%d", lfd);
	fd = open(self, O_RDONLY | O_CLOEXEC | O_NOATIME);
	if (fd < 0 && errno == EPERM)
		fd = open(self, O_RDONLY | O_CLOEXEC);
	return fd < 0 ? img_fail_sys(err, "open it for reading") : fd;
}

static int fill_times(const struct stat *st, Timeval *atim, Timeval *mtim, GhostFileEntry *ghost)
{
	atim->tv_sec = (uint64_t)st->st_atim.tv_sec;
	atim->tv_usec = (uint64_t)st->st_atim.tv_nsec / 1000;
	mtim->tv_sec = (uint64_t)st->st_mtim.tv_sec;
	mtim->tv_usec = (uint64_t)st->st_mtim.tv_nsec / 1000;
	ghost->atim = atim;
	ghost->mtim = mtim;
	return 0;
}

static int write_image(struct dump *d, struct img_writer *w, int lfd, const struct stat *st, struct img_err *err)
{
	GhostFileEntry ghost = GHOST_FILE_ENTRY__INIT;
	Timeval atim = TIMEVAL__INIT, mtim = TIMEVAL__INIT;
	cleanup_fd int fd = -1;
	char target[PATH_MAX];

	ghost.uid = dump_uid(d, st->st_uid);
	ghost.gid = dump_gid(d, st->st_gid);
	ghost.mode = st->st_mode;
	ghost.has_dev = ghost.has_ino = true;
	ghost.dev = (uint32_t)(major(st->st_dev) << 20 | minor(st->st_dev));
	ghost.ino = st->st_ino;
	fill_times(st, &atim, &mtim, &ghost);
	if (S_ISCHR(st->st_mode) || S_ISBLK(st->st_mode)) {
		ghost.has_rdev = true;
		ghost.rdev = (uint32_t)st->st_rdev;
	}
	if (S_ISLNK(st->st_mode)) {
		ssize_t len = readlinkat(lfd, "", target, sizeof(target) - 1);

		if (len < 0)
			return img_fail_sys(err, "read the symbolic link");
		target[len] = '\0';
		ghost.symlnk_target = target;
	}
	if (S_ISREG(st->st_mode)) {
		fd = reopen(lfd, err);
		if (fd < 0)
			return -1;
		ghost.has_chunks = ghost.chunks = kern_file_has_hole(fd, (uint64_t)st->st_size);
		ghost.has_size = ghost.chunks;
		ghost.size = (uint64_t)st->st_size;
	}
	if (img_write(w, &ghost.base, err) < 0)
		return -1;
	return fd < 0 ? 0 : write_content(d, w, fd, st, ghost.chunks, err);
}

static int dump_inode(struct dump *d, int lfd, uint32_t id, struct img_err *err)
{
	struct img_writer *w;
	struct stat st;

	if (fstatat(lfd, "", &st, AT_EMPTY_PATH) < 0)
		return img_fail_sys(err, "stat");
	log_info(d->log, "ghost %#x: mode %#o, %lld bytes", id, st.st_mode, (long long)st.st_size);
	w = img_writer_create(d->set, IMG_GHOST_FILE, id, err);
	if (!w)
		return -1;
	if (write_image(d, w, lfd, &st, err) < 0) {
		img_writer_abort(w);
		return -1;
	}
	return img_writer_finish(w, err);
}

static int write_remap(struct dump *d, uint32_t orig_id, RemapType type, uint32_t remap_id, struct img_err *err)
{
	RemapFilePathEntry remap = REMAP_FILE_PATH_ENTRY__INIT;

	remap.orig_id = orig_id;
	remap.remap_id = remap_id;
	remap.has_remap_type = true;
	remap.remap_type = type;
	return dump_write_shared(d, IMG_REMAP_FPATH, &remap.base, err);
}

int dump_ghost(struct dump *d, const struct fd_target *t, struct img_err *err)
{
	uint32_t *id;
	int first;

	first = dump_once(d, DUMP_ONCE_GHOST, t->probe->dev, t->probe->ino, &id, err);
	if (first < 0)
		return -1;
	if (first && dump_inode(d, t->lfd, *id, err) < 0)
		return img_wrap(err, "ghost %#x", *id);
	return write_remap(d, t->id, REMAP_TYPE__GHOST, *id, err);
}

/* The first file of a process is enough: it says that the process is to be there when its files are opened. */
int dump_dead_proc(struct dump *d, const struct fd_target *t, pid_t pid, struct img_err *err)
{
	uint32_t *ignored;
	int first = dump_once(d, DUMP_ONCE_PROC, (uint64_t)pid, 0, &ignored, err);

	return first <= 0 ? first : write_remap(d, t->id, REMAP_TYPE__PROCFS, (uint32_t)pid, err);
}

/* ---- names made for files that have others ---- */

struct made_link {
	const struct dump_mntns *mntns; /* where the name is a path from the root; NULL: here */
	const char *name;
};

/* The directory that a name is in. */
static int open_dir_of(const struct made_link *l, struct img_err *err)
{
	size_t len = (size_t)(strrchr(l->name, '/') - l->name);
	char dir[PATH_MAX];
	int fd;

	snprintf(dir, sizeof(dir), "%.*s", len ? (int)len : 1, l->name);
	fd = dump_path_open(l->mntns, dir, O_PATH | O_DIRECTORY);
	return fd < 0 ? img_fail_sys(err, "directory '%s'", dir) : fd;
}

/* The new name: in the directory of the old one, or in the nearest above that is still there. Its directory is opened. */
static int name_link(struct dump *d, struct made_link *l, const char *path, uint32_t id, struct img_err *err)
{
	for (const char *end = strrchr(path, '/'); end; end = memrchr(path, '/', (size_t)(end - path))) {
		struct img_err why = IMG_ERR_INIT;
		int dir;

		l->name = img_arena_printf(&d->arena, "%.*s/link_remap.%u", (int)(end - path), path, id);
		if (!l->name)
			return img_fail_nomem(err);
		dir = open_dir_of(l, &why);
		if (dir >= 0)
			return dir;
		if (why.sys_errno != ENOENT || end == path) {
			*err = why;
			return -1;
		}
	}
	return img_fail(err, IMG_SYS, "'%s' is no path from the root", path);
}

/* Names in the file systems of a user namespace are made by its root. */
static int begin_as_owner(const struct dump *d, struct img_err *err)
{
	const struct kern_idmap *uids, *gids;
	uint32_t uid, gid;

	if (!dump_ns_nth(d, CLONE_NEWUSER, 0))
		return 0;
	dump_ns_idmaps(d, &uids, &gids);
	if (!kern_idmap_outside(uids, 0, &uid) || !kern_idmap_outside(gids, 0, &gid))
		return img_fail(err, IMG_UNSUPPORTED, "the user namespace has no root: no names can be made there");
	return kern_files_as(uid, gid, err);
}

static int end_as_owner(struct img_err *err)
{
	return kern_files_as(geteuid(), getegid(), err);
}

static int unlink_again(struct dump *d, void *obj, struct img_err *err)
{
	const struct made_link *l = obj;
	cleanup_fd int dir = open_dir_of(l, err);

	int ret = 0;

	if (dir < 0 || begin_as_owner(d, err) < 0)
		return -1;
	if (unlinkat(dir, strrchr(l->name, '/') + 1, 0) < 0 && errno != ENOENT)
		ret = img_fail_sys(err, "remove '%s'", l->name);
	return end_as_owner(err) < 0 ? -1 : ret;
}

/* The record of the new name says nothing but that. */
static int write_link(struct dump *d, uint32_t id, const struct made_link *l, int mnt_id, struct img_err *err)
{
	RegFileEntry reg = REG_FILE_ENTRY__INIT;
	FownEntry fown = FOWN_ENTRY__INIT;
	FileEntry rec = FILE_ENTRY__INIT;

	reg.id = id;
	reg.fown = &fown;
	reg.name = (char *)l->name;
	reg.mnt_id = dump_mnt_recorded(l->mntns, mnt_id);
	reg.has_mnt_id = reg.mnt_id >= 0;
	rec.type = FD_TYPES__REG;
	rec.id = id;
	rec.reg = &reg;
	return dump_write_file(d, &rec, err);
}

static int make_link(struct dump *d, const struct fd_target *t, const char *path, uint32_t id, struct img_err *err)
{
	struct made_link *l = img_arena_alloc(&d->arena, sizeof(*l));
	struct dump_mntns *mntns;
	cleanup_fd int dir = -1;
	char self[40];
	int ret = 0;

	if (!l)
		return img_fail_nomem(err);
	if (dump_mntns_of(d, t->task, t->probe->mnt_id, &mntns, err) < 0)
		return -1;
	*l = (struct made_link){ mntns, NULL };
	dir = name_link(d, l, path, id, err);
	if (dir < 0 || undo_push(&d->undo, UNDO_ON_FAILURE, l->name, unlink_again, l, err) < 0)
		return -1;
	snprintf(self, sizeof(self), "/proc/self/fd/%d", t->lfd);
	if (begin_as_owner(d, err) < 0)
		return -1;
	if (linkat(AT_FDCWD, self, dir, strrchr(l->name, '/') + 1, AT_SYMLINK_FOLLOW) < 0)
		ret = img_fail_sys(err, "give it the name '%s'", l->name);
	if (end_as_owner(err) < 0 || ret < 0)
		return -1;
	log_info(d->log, "'%s' for a file that was '%s'", l->name, path);
	return write_link(d, id, l, t->probe->mnt_id, err);
}

int dump_link(struct dump *d, const struct fd_target *t, const char *path, struct img_err *err)
{
	/* One for each mount that it was opened through: names cannot be linked from one mount to another. */
	uint64_t where = (uint64_t)t->probe->dev << 32 | (uint32_t)t->probe->mnt_id;
	uint32_t *id;
	int first;

	first = dump_once(d, DUMP_ONCE_LINK, where, t->probe->ino, &id, err);
	if (first < 0)
		return -1;
	if (first) {
		*id = dump_new_file_id(d);
		if (make_link(d, t, path, *id, err) < 0)
			return -1;
	}
	return write_remap(d, t->id, REMAP_TYPE__LINKED, *id, err);
}
