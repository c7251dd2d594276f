/* store/open.c -- opens a set by looking at what is there: a directory, or an archive of one sort or another. */

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "criuimg/cleanup.h"
#include "criuimg/compress.h"
#include "store/archive.h"
#include "store/peek.h"

/* What makes a source of all bytes of an archive, anew at each call. */
struct maker {
	struct img_source *(*make)(void *arg, struct img_err *err);
	void *arg;
};

/* A source of a file that others read, too: they do not share a position, as each reads by its own. */
static struct img_source *source_of(void *fd, struct img_err *err)
{
	cleanup_fd int own = fcntl(*(int *)fd, F_DUPFD_CLOEXEC, 3);
	struct img_source *src;

	if (own < 0) {
		img_fail_sys(err, "open");
		return NULL;
	}
	src = img_source_fd_new(own, err);
	if (src)
		steal_fd(&own);
	return src;
}

/* The tar archive that src is or has in it, to be read in place; NULL with *other when it cannot be. src is gone. */
static struct img_source *tar_of(struct img_source *src, bool *other, struct img_err *err)
{
	unsigned char block[TAR_BLOCK];
	struct img_source *content;
	ssize_t n;

	*other = true;
	if (!img_source_can_pread(src)) {
		img_source_close(src);
		return NULL;
	}
	n = img_source_pread(src, block, sizeof(block), 0, err);
	*other = n >= 0;
	if (n == TAR_BLOCK && img_tar_is_meant(block))
		return src;
	if (n >= 0 && img_zstd_magic(block, n)) {
		content = img_zstd_source_new(src, err);
		*other = content;
		if (content && img_source_can_pread(content))
			return content;
		if (content)
			src = content;
	}
	img_source_close(src);
	return NULL;
}

static struct img_archive *open_in_place(const struct maker *m, bool *other, struct img_err *err)
{
	struct img_source *src = m->make(m->arg, err);
	struct img_archive *a;

	*other = false;
	if (!src)
		return NULL;
	src = tar_of(src, other, err);
	if (!src)
		return NULL;
	a = img_archive_index_open(src, other, err);
	if (!a)
		img_source_close(src);
	return a;
}

/* zstd is decompressed here, where its end is looked at; what else there is, libarchive knows. *tar: it is a tar archive now. */
static int unpack(struct img_source **src, bool *tar, struct img_err *err)
{
	unsigned char first[PEEK_SIZE];
	struct img_source *next;
	size_t len;

	for (int layer = 0;; layer++) {
		next = img_peek(*src, first, &len, err);
		if (!next)
			return -1;
		*src = next;
		*tar = len == TAR_BLOCK && img_tar_is_header(first);
		if (layer || !img_zstd_magic(first, len))
			return 0;
		next = img_zstd_source_new(*src, err);
		if (!next)
			return -1;
		*src = next;
	}
}

static struct img_archive *open_stream(const struct maker *m, struct img_err *err)
{
	struct img_source *src = m->make(m->arg, err);
	struct img_archive *a;
	bool tar = false;

	if (!src || unpack(&src, &tar, err)) {
		img_source_close(src);
		return NULL;
	}
	a = img_archive_stream_open(src, tar, err);
	if (!a)
		img_source_close(src);
	return a;
}

/* The directory that an open file is in, whatever links led to it. */
static int directory_of_file(int fd)
{
	char self[64], path[PATH_MAX];
	ssize_t n;

	snprintf(self, sizeof(self), "/proc/self/fd/%d", fd);
	n = readlink(self, path, sizeof(path) - 1);
	if (n <= 0 || path[0] != '/')
		return -1;
	path[n] = '\0';
	*strrchr(path, '/') = '\0';
	return open(*path ? path : "/", O_PATH | O_DIRECTORY | O_CLOEXEC);
}

static struct img_archive *open_archive(const struct maker *m, struct img_err *err)
{
	bool other;
	struct img_archive *a = open_in_place(m, &other, err);

	return !a && other ? open_stream(m, err) : a;
}

struct img_set *img_set_open_from(
	struct img_source *(*make)(void *arg, struct img_err *err), void *arg, struct img_err *err)
{
	struct img_archive *a = open_archive(&(struct maker){ make, arg }, err);

	return a ? &a->set : NULL;
}

struct img_set *img_set_open_archive(int fd, struct img_err *err)
{
	struct img_archive *a;
	struct stat st;

	if (fstat(fd, &st)) {
		img_fail_sys(err, "stat");
		return NULL;
	}
	a = open_archive(&(struct maker){ source_of, &fd }, err);
	if (!a)
		return NULL;
	a->set.dev = st.st_dev;
	a->set.ino = st.st_ino;
	if (S_ISREG(st.st_mode))
		a->dirfd = directory_of_file(fd);
	return &a->set;
}

static struct img_set *open_at(int dirfd, const char *path, struct img_err *err)
{
	cleanup_fd int fd = openat(dirfd, path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	struct img_set *set;
	struct stat st;

	if (fd < 0 || fstat(fd, &st)) {
		img_fail_sys(err, "%s: open", path);
		return NULL;
	}
	if (S_ISDIR(st.st_mode))
		return img_set_open_dir(dirfd, path, err);
	set = img_set_open_archive(fd, err);
	if (!set)
		img_wrap(err, "%s", path);
	return set;
}

struct img_set *img_set_open(const char *path, struct img_err *err)
{
	struct img_set *set;

	if (strcmp(path, "-"))
		return open_at(AT_FDCWD, path, err);
	set = img_set_open_archive(STDIN_FILENO, err);
	if (!set)
		img_wrap(err, "standard input");
	return set;
}

int img_set_open_parent(
	struct img_set *set, int dirfd, const char *path, struct img_set **parent_out, struct img_err *err)
{
	struct img_set *parent;

	if (faccessat(dirfd, path, F_OK, 0)) {
		if (errno == ENOENT)
			return 0;
		return errno == ELOOP ? img_fail(err, IMG_CORRUPT, "parent: the links lead in a circle")
				      : img_fail_sys(err, "parent: open");
	}
	parent = open_at(dirfd, path, err);
	if (!parent)
		return img_wrap(err, "parent");
	parent->child = set;
	for (const struct img_set *c = set; c; c = c->child) {
		if (c->dev != parent->dev || c->ino != parent->ino)
			continue;
		img_set_close(parent);
		return img_fail(err, IMG_CORRUPT, "parent: the links lead in a circle");
	}
	*parent_out = parent;
	return 1;
}
