/* store/archive-write.c -- a set that becomes an archive.
 *
 * The header of a member has its size, and the order of members is that of their use: so members wait, spooled, until the
 * end, or until one comes whose size is known beforehand and that goes straight out.
 */

#include "store/archive-write.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "criuimg/array.h"
#include "criuimg/cleanup.h"
#include "io/sink.h"
#include "store/part.h"
#include "store/set.h"
#include "store/spool.h"
#include "store/tar.h"

#define COPY_SIZE ((size_t)256 << 10)

struct waiting {
	char *name;
	struct img_spooled *bytes; /* NULL: it went out */
};

struct writer {
	struct img_set set;
	struct img_spool *spool;
	char *path, *temporary; /* of the file that is being made; NULL: none, or not under another name */

	pthread_mutex_t lock; /* of all below */
	struct img_sink *out;
	struct waiting *members;
	size_t nr, room;
	char *parent;
	bool parent_out; /* the link went out */
	bool direct;	 /* a member is on its way straight to the archive */
	bool broken;	 /* one did not come to its end */
	bool finished;
};

static struct writer *writer_of(const struct img_set *set)
{
	return (struct writer *)set;
}

/* The lock is held. */
static struct waiting *find(struct writer *w, const char *name)
{
	for (size_t i = 0; i < w->nr; i++)
		if (!strcmp(w->members[i].name, name))
			return &w->members[i];
	return NULL;
}

static int writer_has(struct img_set *set, const char *name, struct img_err *err)
{
	struct writer *w = writer_of(set);
	bool has;

	pthread_mutex_lock(&w->lock);
	has = find(w, name);
	pthread_mutex_unlock(&w->lock);
	return has;
}

static int writer_each(struct img_set *set, int (*fn)(void *arg, const char *name, struct img_err *err),
	void *arg, struct img_err *err)
{
	struct writer *w = writer_of(set);
	int ret = 0;

	for (size_t i = 0; !ret; i++) {
		cleanup_free char *name = NULL;

		pthread_mutex_lock(&w->lock);
		if (i < w->nr)
			name = strdup(w->members[i].name);
		pthread_mutex_unlock(&w->lock);
		if (!name)
			break;
		ret = fn(arg, name, err);
	}
	return ret;
}

static int writer_source(
	struct img_set *set, const char *name, struct img_source **src_out, struct img_err *err)
{
	struct writer *w = writer_of(set);
	struct waiting *m;
	int ret = 0;

	pthread_mutex_lock(&w->lock);
	m = find(w, name);
	if (m && m->bytes) {
		*src_out = img_spooled_source(m->bytes, err);
		ret = *src_out ? 1 : -1;
	} else if (m) {
		ret = img_fail(
			err, IMG_UNSUPPORTED, "%s: is in the archive already, which is being written", name);
	}
	pthread_mutex_unlock(&w->lock);
	return ret;
}

static int writer_remove(struct img_set *set, const char *name, struct img_err *err)
{
	struct writer *w = writer_of(set);
	struct waiting *m;
	int ret = 0;

	pthread_mutex_lock(&w->lock);
	m = find(w, name);
	if (m && !m->bytes) {
		ret = img_fail(err, IMG_UNSUPPORTED, "%s: is in the archive already", name);
	} else if (m) {
		free(m->name);
		img_spooled_put(m->bytes);
		*m = w->members[--w->nr];
	}
	pthread_mutex_unlock(&w->lock);
	return ret;
}

static int writer_link_parent(struct img_set *set, const char *path, struct img_err *err)
{
	struct writer *w = writer_of(set);
	char *copy = path ? strdup(path) : NULL;

	if (path && !copy)
		return img_fail_nomem(err);
	if (w->parent_out) {
		free(copy);
		return img_fail(err, IMG_USAGE, "parent: the archive has begun");
	}
	free(w->parent);
	w->parent = copy;
	return 0;
}

/* Note a member, in place of an older one. The lock is held. */
static int add(struct writer *w, const char *name, struct img_spooled *bytes, struct img_err *err)
{
	struct waiting *m = find(w, name);

	if (m && !m->bytes)
		return img_fail(err, IMG_UNSUPPORTED, "%s: is in the archive already", name);
	if (m) {
		img_spooled_put(m->bytes);
		m->bytes = bytes;
		return 0;
	}
	m = img_array_more(&w->members, w->nr, &w->room);
	if (m)
		m->name = strdup(name);
	if (!m || !m->name)
		return img_fail_nomem(err);
	m->bytes = bytes;
	w->nr++;
	return 0;
}

/* ---- what goes out ---- */

static uint64_t mtime(const struct writer *w)
{
	/* 0 makes tar(1) complain. */
	return w->set.host_known && w->set.host.created ? w->set.host.created : 1;
}

static int copy_out(struct writer *w, struct img_spooled *bytes, struct img_err *err)
{
	cleanup_free unsigned char *buf = malloc(COPY_SIZE);
	struct img_source *src = buf ? img_spooled_source(bytes, err) : NULL;
	ssize_t n;

	if (!buf)
		img_fail_nomem(err);
	if (!src)
		return -1;
	while ((n = img_source_read(src, buf, COPY_SIZE, err)) > 0)
		if (img_sink_write(w->out, buf, n, err)) {
			n = -1;
			break;
		}
	img_source_close(src);
	return n;
}

static int member_out(struct writer *w, struct waiting *m, struct img_err *err)
{
	uint64_t size = img_spooled_size(m->bytes);

	if (img_tar_write_header(w->out, m->name, size, NULL, mtime(w), err) || copy_out(w, m->bytes, err) ||
		img_tar_write_padding(w->out, size, err))
		return img_wrap(err, "%s", m->name);
	img_spooled_put(steal_ptr(&m->bytes));
	return 0;
}

static int waiting_cmp(const void *a, const void *b)
{
	return img_archive_order(((const struct waiting *)a)->name, ((const struct waiting *)b)->name);
}

/* All that wait, in order. The lock is held. */
static int waiting_out(struct writer *w, struct img_err *err)
{
	if (w->broken)
		return img_fail(err, IMG_USAGE, "archive: an earlier member is not whole");
	if (w->parent && !w->parent_out &&
		img_tar_write_header(w->out, "parent", 0, w->parent, mtime(w), err))
		return -1;
	w->parent_out = true;
	if (w->nr)
		qsort(w->members, w->nr, sizeof(*w->members), waiting_cmp);
	for (size_t i = 0; i < w->nr; i++)
		if (w->members[i].bytes && member_out(w, &w->members[i], err)) {
			w->broken = true;
			return -1;
		}
	return 0;
}

/* ---- members that wait ---- */

struct member_sink {
	struct writer *w;
	struct img_spooled *bytes; /* NULL: straight out */
	uint64_t size, left;	   /* straight out */
	char name[256];
};

static int member_write(void *self, const void *buf, size_t len, struct img_err *err)
{
	struct member_sink *m = self;

	if (m->bytes)
		return img_spooled_write(m->bytes, buf, len, err);
	if (len > m->left)
		return img_fail(err, IMG_USAGE, "%s: more bytes than were announced", m->name);
	m->left -= len;
	return img_sink_write(m->w->out, buf, len, err);
}

static int member_finish(void *self, struct img_err *err)
{
	struct member_sink *m = self;
	struct writer *w = m->w;
	int ret;

	if (m->bytes) {
		if (img_spooled_end(m->bytes, err))
			return -1;
		pthread_mutex_lock(&w->lock);
		ret = add(w, m->name, m->bytes, err);
		pthread_mutex_unlock(&w->lock);
		if (!ret)
			m->bytes = NULL;
		m->size = 0;
		return ret;
	}
	if (m->left)
		return img_fail(err, IMG_USAGE, "%s: fewer bytes than were announced", m->name);
	if (img_tar_write_padding(w->out, m->size, err))
		return -1;
	pthread_mutex_lock(&w->lock);
	ret = add(w, m->name, NULL, err);
	w->direct = false;
	w->broken = ret;
	pthread_mutex_unlock(&w->lock);
	m->w = NULL;
	return ret;
}

static void member_close(void *self)
{
	struct member_sink *m = self;

	/* Straight out, and not to its end: nothing can follow. */
	if (m->w && !m->bytes && m->size) {
		pthread_mutex_lock(&m->w->lock);
		m->w->broken = true;
		m->w->direct = false;
		pthread_mutex_unlock(&m->w->lock);
	}
	img_spooled_put(m->bytes);
	free(m);
}

static const struct img_sink_ops member_ops = {
	.write = member_write,
	.finish = member_finish,
	.close = member_close,
};

static struct img_sink *member_new(
	struct writer *w, const char *name, struct img_spooled *bytes, uint64_t size, struct img_err *err)
{
	struct member_sink *m = calloc(1, sizeof(*m));
	struct img_sink *sink;

	if (!m) {
		img_fail_nomem(err);
		return NULL;
	}
	m->w = w;
	m->size = m->left = size;
	strncpy(m->name, name, sizeof(m->name) - 1);
	sink = img_sink_new(&member_ops, m, err);
	if (sink)
		m->bytes = bytes;
	else
		free(m);
	return sink;
}

static struct img_sink *writer_sink(struct img_set *set, const char *name, struct img_err *err)
{
	struct writer *w = writer_of(set);
	struct img_spooled *bytes;
	struct img_sink *sink;

	if (w->finished) {
		img_fail(err, IMG_UNSUPPORTED, "%s: the archive is complete, nothing can be added", name);
		return NULL;
	}
	bytes = img_spooled_new(w->spool, err);
	sink = bytes ? member_new(w, name, bytes, 0, err) : NULL;
	if (!sink)
		img_spooled_put(bytes);
	return sink;
}

static struct img_sink *writer_sink_sized(
	struct img_set *set, const char *name, uint64_t size, struct img_err *err)
{
	struct writer *w = writer_of(set);
	struct img_sink *sink = NULL;
	bool wait;

	pthread_mutex_lock(&w->lock);
	/* One at a time; and of nothing there is nothing to gain. */
	wait = w->direct || w->finished || !size || find(w, name);
	if (!wait && !waiting_out(w, err) && !img_tar_write_header(w->out, name, size, NULL, mtime(w), err)) {
		sink = member_new(w, name, NULL, size, err);
		w->direct = sink;
		w->broken = !sink;
	}
	pthread_mutex_unlock(&w->lock);
	return wait ? writer_sink(set, name, err) : sink;
}

/* ---- the end ---- */

static int named(struct writer *w, struct img_err *err)
{
	if (!w->temporary)
		return 0;
	if (rename(w->temporary, w->path))
		return img_fail_sys(err, "%s: rename", w->path);
	free(steal_ptr(&w->temporary));
	return 0;
}

static int writer_finish(struct img_set *set, struct img_err *err)
{
	struct writer *w = writer_of(set);
	int ret;

	pthread_mutex_lock(&w->lock);
	ret = w->direct ? img_fail(err, IMG_USAGE, "archive: a member is still being written")
			: waiting_out(w, err);
	if (!ret)
		ret = img_tar_write_end(w->out, err);
	if (!ret)
		ret = img_sink_finish(steal_ptr(&w->out), err);
	if (!ret)
		ret = named(w, err);
	w->finished = true;
	pthread_mutex_unlock(&w->lock);
	return ret;
}

static void writer_close(struct img_set *set)
{
	struct writer *w = writer_of(set);

	for (size_t i = 0; i < w->nr; i++) {
		free(w->members[i].name);
		img_spooled_put(w->members[i].bytes);
	}
	free(w->members);
	free(w->parent);
	img_sink_abort(w->out);
	if (w->temporary)
		unlink(w->temporary);
	free(w->temporary);
	free(w->path);
	img_spool_put(w->spool);
	pthread_mutex_destroy(&w->lock);
	free(w);
}

static const struct img_set_ops writer_ops = {
	.has = writer_has,
	.each = writer_each,
	.source = writer_source,
	.sink = writer_sink,
	.sink_sized = writer_sink_sized,
	.remove = writer_remove,
	.link_parent = writer_link_parent,
	.finish = writer_finish,
	.close = writer_close,
};

static struct writer *writer_new(int spool_dirfd, struct img_err *err)
{
	struct writer *w = calloc(1, sizeof(*w));

	if (!w) {
		img_fail_nomem(err);
		return NULL;
	}
	img_set_init(&w->set, &writer_ops, true);
	w->set.maps_first = true;
	pthread_mutex_init(&w->lock, NULL);
	w->spool = img_spool_new(spool_dirfd, err);
	if (w->spool)
		return w;
	img_set_close(&w->set);
	return NULL;
}

static int writer_to(
	struct writer *w, struct img_sink *sink, const struct img_zstd_options *opt, struct img_err *err)
{
	w->out = opt ? img_zstd_sink_new(sink, opt, err) : sink;
	return w->out ? 0 : -1;
}

struct img_set *img_set_create_archive_to(
	struct img_sink *sink, const struct img_zstd_options *opt, struct img_err *err)
{
	struct writer *w = writer_new(-1, err);

	if (!w)
		return NULL;
	if (!writer_to(w, sink, opt, err))
		return &w->set;
	img_set_close(&w->set);
	return NULL;
}

/* ---- in a file ---- */

/* A file beside the one that it will be. */
static int temporary_open(struct writer *w, struct img_err *err)
{
	const char *slash = strrchr(w->path, '/');
	int dir = slash ? slash + 1 - w->path : 0;
	int fd;

	if (asprintf(&w->temporary, "%.*s.%s.XXXXXX", dir, w->path, w->path + dir) < 0) {
		w->temporary = NULL;
		return img_fail_nomem(err);
	}
	fd = mkostemp(w->temporary, O_CLOEXEC);
	if (fd < 0) {
		img_fail_sys(err, "%s", w->temporary);
		free(steal_ptr(&w->temporary));
	}
	return fd;
}

static int file_open(struct writer *w, const char *path, struct img_err *err)
{
	struct stat st;
	int fd;

	if (!strcmp(path, "-")) {
		fd = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3);
		return fd < 0 ? img_fail_sys(err, "standard output") : fd;
	}
	w->path = strdup(path);
	if (!w->path)
		return img_fail_nomem(err);
	if (!stat(path, &st) && !S_ISREG(st.st_mode)) {
		fd = open(path, O_WRONLY | O_CLOEXEC | O_NOCTTY);
		return fd < 0 ? img_fail_sys(err, "%s", path) : fd;
	}
	return temporary_open(w, err);
}

struct img_set *img_set_create_archive(
	const char *path, const struct img_zstd_options *opt, struct img_err *err)
{
	struct writer *w = writer_new(-1, err);
	cleanup_fd int fd = -1;
	struct img_sink *sink;

	if (!w)
		return NULL;
	fd = file_open(w, path, err);
	sink = fd < 0 ? NULL : img_sink_fd_new(fd, err);
	if (sink)
		steal_fd(&fd);
	if (sink && !writer_to(w, sink, opt, err))
		return &w->set;
	img_sink_abort(sink);
	img_set_close(&w->set);
	return NULL;
}
