/* store/directory.c -- a set that is a directory: a file per image, and the link `parent` to the set it is based on. */

#include "store/set.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "criuimg/array.h"
#include "criuimg/cleanup.h"
#include "io/sink.h"
#include "store/part.h"

#define PARENT	   "parent"
#define IMAGE_MODE 0600 /* memory of others is in it */

struct directory {
	struct img_set set;
	int fd;
	bool fd_owned;
};

static struct directory *directory_of(const struct img_set *set)
{
	return (struct directory *)set;
}

static int file_has(int dirfd, const char *name, struct img_err *err)
{
	struct stat st;

	if (!fstatat(dirfd, name, &st, 0))
		return S_ISREG(st.st_mode);
	return errno == ENOENT ? 0 : img_fail_sys(err, "%s: stat", name);
}

static int directory_has(struct img_set *set, const char *name, struct img_err *err)
{
	char file[IMG_ZST_NAME];
	int ret = file_has(directory_of(set)->fd, name, err);

	if (ret == 0 && img_zst_name(name, file))
		ret = file_has(directory_of(set)->fd, file, err);
	return ret;
}

/* 1, 0 when there is none, -1. */
static int file_source(int dirfd, const char *name, struct img_source **src_out, struct img_err *err)
{
	cleanup_fd int fd = -1;
	struct stat st;

	/* Not to hang on a fifo of that name. */
	fd = openat(dirfd, name, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd < 0)
		return errno == ENOENT ? 0 : img_fail_sys(err, "%s: open", name);
	if (fstat(fd, &st))
		return img_fail_sys(err, "%s: stat", name);
	if (!S_ISREG(st.st_mode))
		return img_fail(err, IMG_CORRUPT, "%s: not a regular file", name);
	*src_out = img_source_fd_new(fd, err);
	if (!*src_out)
		return img_wrap(err, "%s", name);
	steal_fd(&fd);
	return 1;
}

static int directory_source(
	struct img_set *set, const char *name, struct img_source **src_out, struct img_err *err)
{
	char file[IMG_ZST_NAME];
	struct img_source *stored;
	int ret = file_source(directory_of(set)->fd, name, src_out, err);

	if (ret || !img_zst_name(name, file))
		return ret;
	ret = file_source(directory_of(set)->fd, file, &stored, err);
	if (ret <= 0)
		return ret;
	*src_out = img_zst_source(stored, err);
	return *src_out ? 1 : img_wrap(err, "%s", file);
}

struct names {
	char **list;
	size_t nr, room;
};

static void names_free(struct names *names)
{
	for (size_t i = 0; i < names->nr; i++)
		free(names->list[i]);
	free(names->list);
}

static int names_cmp(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static int names_add(struct names *names, const char *name, struct img_err *err)
{
	char **slot = img_array_more(&names->list, names->nr, &names->room);

	if (slot)
		*slot = strdup(name);
	if (!slot || !*slot)
		return img_fail_nomem(err);
	names->nr++;
	return 0;
}

/* The regular files, sorted. */
static int names_read(int dirfd, struct names *names, struct img_err *err)
{
	cleanup_dir DIR *dir = NULL;
	cleanup_fd int fd = -1;
	struct dirent *de;

	/* A description of its own: the position of the caller's is not ours to move. */
	fd = openat(dirfd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return img_fail_sys(err, "open directory");
	dir = fdopendir(fd);
	if (!dir)
		return img_fail_sys(err, "open directory");
	steal_fd(&fd);

	while ((errno = 0, de = readdir(dir))) {
		struct stat st;

		if (de->d_type != DT_REG && de->d_type != DT_LNK && de->d_type != DT_UNKNOWN)
			continue;
		if (de->d_type != DT_REG && (fstatat(dirfd, de->d_name, &st, 0) || !S_ISREG(st.st_mode)))
			continue;
		img_zst_strip(de->d_name);
		if (names_add(names, de->d_name, err))
			return -1;
	}
	if (errno)
		return img_fail_sys(err, "read directory");
	if (names->nr)
		qsort(names->list, names->nr, sizeof(*names->list), names_cmp);
	return 0;
}

static int directory_each(struct img_set *set, int (*fn)(void *arg, const char *name, struct img_err *err),
	void *arg, struct img_err *err)
{
	__attribute__((cleanup(names_free))) struct names names = { 0 };
	int ret = names_read(directory_of(set)->fd, &names, err);

	for (size_t i = 0; !ret && i < names.nr; i++)
		if (!i || strcmp(names.list[i], names.list[i - 1]))
			ret = fn(arg, names.list[i], err);
	return ret;
}

/* ---- writing ---- */

/* The file of a member that is being written; it goes when the sink is dropped unfinished. */
struct file_sink {
	struct img_sink *file;
	int dirfd;
	char name[IMG_ZST_NAME];
};

static int file_write(void *self, const void *buf, size_t len, struct img_err *err)
{
	return img_sink_write(((struct file_sink *)self)->file, buf, len, err);
}

static int file_writev(void *self, struct iovec *iov, int nr, struct img_err *err)
{
	return img_sink_writev(((struct file_sink *)self)->file, iov, nr, err);
}

static int file_fd(void *self)
{
	return img_sink_fd(((struct file_sink *)self)->file);
}

static int file_moved(void *self, uint64_t len, struct img_err *err)
{
	return img_sink_moved(((struct file_sink *)self)->file, len, err);
}

static int file_finish(void *self, struct img_err *err)
{
	struct file_sink *f = self;

	if (!img_sink_finish(steal_ptr(&f->file), err))
		return 0;
	unlinkat(f->dirfd, f->name, 0);
	return -1;
}

static void file_close(void *self)
{
	struct file_sink *f = self;

	if (f->file)
		unlinkat(f->dirfd, f->name, 0);
	img_sink_abort(f->file);
	free(f);
}

static const struct img_sink_ops file_sink_ops = {
	.write = file_write,
	.writev = file_writev,
	.fd = file_fd,
	.moved = file_moved,
	.finish = file_finish,
	.close = file_close,
};

static struct img_sink *file_sink_new(int dirfd, const char *name, struct img_err *err)
{
	cleanup_free struct file_sink *f = calloc(1, sizeof(*f));
	cleanup_fd int fd = -1;
	struct img_sink *sink;

	if (!f) {
		img_fail_nomem(err);
		return NULL;
	}
	fd = openat(dirfd, name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, IMAGE_MODE);
	if (fd < 0) {
		img_fail_sys(err, "create");
		return NULL;
	}
	f->file = img_sink_fd_new_unbuffered(fd, err);
	if (!f->file)
		return NULL;
	steal_fd(&fd);
	f->dirfd = dirfd;
	strncpy(f->name, name, sizeof(f->name) - 1);
	sink = img_sink_new_unbuffered(&file_sink_ops, f, err);
	if (!sink)
		img_sink_abort(f->file);
	else
		steal_ptr(&f);
	return sink;
}

/* The file goes, and what may be there of its other form. */
static int directory_remove(struct img_set *set, const char *name, struct img_err *err)
{
	char file[IMG_ZST_NAME];
	int dirfd = directory_of(set)->fd;

	if (unlinkat(dirfd, name, 0) && errno != ENOENT)
		return img_fail_sys(err, "%s: remove", name);
	if (img_zst_name(name, file) && unlinkat(dirfd, file, 0) && errno != ENOENT)
		return img_fail_sys(err, "%s: remove", file);
	return 0;
}

static struct img_sink *zst_sink(struct img_set *set, const char *file, struct img_err *err)
{
	struct img_sink *stored = file_sink_new(directory_of(set)->fd, file, err), *sink;
	struct img_zstd_options opt;

	if (!stored)
		return NULL;
	pthread_mutex_lock(&set->lock);
	opt = set->zstd;
	pthread_mutex_unlock(&set->lock);
	sink = img_zstd_sink_new(stored, &opt, err);
	if (!sink)
		img_sink_abort(stored);
	return sink;
}

static struct img_sink *directory_sink(struct img_set *set, const char *name, struct img_err *err)
{
	char file[IMG_ZST_NAME];
	struct img_sink *sink;

	/* A new file always: what another set shares by a hard link, or a link points to, stays as it is. */
	if (directory_remove(set, name, err))
		return NULL;
	sink = set->compress && img_zst_name(name, file) ? zst_sink(set, file, err)
							 : file_sink_new(directory_of(set)->fd, name, err);
	if (!sink)
		img_wrap(err, "%s", name);
	return sink;
}

static int directory_stored(struct img_set *set, const char *name, struct img_member *m, struct img_err *err)
{
	char file[IMG_ZST_NAME];
	struct stat st;

	if (!img_zst_name(name, file))
		return 0;
	if (fstatat(directory_of(set)->fd, file, &st, AT_SYMLINK_NOFOLLOW))
		return errno == ENOENT ? 0 : img_fail_sys(err, "stat");
	m->codec = "zstd";
	m->stored_size = st.st_size;
	return 0;
}

/* ---- the directory itself ---- */

static int directory_link_parent(struct img_set *set, const char *path, struct img_err *err)
{
	int fd = directory_of(set)->fd;

	if (unlinkat(fd, PARENT, 0) && errno != ENOENT)
		return img_fail_sys(err, PARENT ": remove");
	if (path && symlinkat(path, fd, PARENT))
		return img_fail_sys(err, PARENT ": link to %s", path);
	return 0;
}

static int directory_dirfd(const struct img_set *set)
{
	return directory_of(set)->fd;
}

static void directory_close(struct img_set *set)
{
	struct directory *d = directory_of(set);

	if (d->fd_owned)
		close(d->fd);
	free(d);
}

static int directory_parent(struct img_set *set, struct img_set **parent_out, struct img_err *err);

static const struct img_set_ops directory_ops = {
	.has = directory_has,
	.each = directory_each,
	.source = directory_source,
	.sink = directory_sink,
	.remove = directory_remove,
	.stored = directory_stored,
	.parent = directory_parent,
	.link_parent = directory_link_parent,
	.dirfd = directory_dirfd,
	.close = directory_close,
};

static struct directory *directory_new(int fd, bool fd_owned, bool writing, struct img_err *err)
{
	struct directory *d;
	struct stat st;

	if (fstat(fd, &st)) {
		img_fail_sys(err, "image directory: stat");
		return NULL;
	}
	if (!S_ISDIR(st.st_mode)) {
		img_fail(err, IMG_USAGE, "image directory: not a directory");
		return NULL;
	}
	d = calloc(1, sizeof(*d));
	if (!d) {
		img_fail_nomem(err);
		return NULL;
	}
	img_set_init(&d->set, &directory_ops, writing);
	d->fd = fd;
	d->fd_owned = fd_owned;
	d->set.dev = st.st_dev;
	d->set.ino = st.st_ino;
	return d;
}

static int directory_parent(struct img_set *set, struct img_set **parent_out, struct img_err *err)
{
	return img_set_open_parent(set, directory_of(set)->fd, PARENT, parent_out, err);
}

static struct img_set *directory_open(int dirfd, const char *path, bool writing, struct img_err *err)
{
	cleanup_fd int fd = -1;
	struct directory *d;

	if (path) {
		fd = openat(dirfd, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (fd < 0) {
			img_fail_sys(err, "%s: open", path);
			return NULL;
		}
	}
	d = directory_new(path ? fd : dirfd, path, writing, err);
	if (!d)
		return NULL;
	steal_fd(&fd);
	return &d->set;
}

struct img_set *img_set_open_dir(int dirfd, const char *path, struct img_err *err)
{
	return directory_open(dirfd, path, false, err);
}

struct img_set *img_set_create_dir(int dirfd, const char *path, struct img_err *err)
{
	return directory_open(dirfd, path, true, err);
}
