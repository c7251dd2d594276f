/* store/spool.c -- bytes that have to wait, in memory and in a file without a name. */

#include "store/spool.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "criuimg/array.h"
#include "criuimg/cleanup.h"

#define CHUNK	   ((size_t)256 << 10) /* what one holds in memory while it is written */
#define MEMORY_MAX ((size_t)32 << 20)  /* what all that are complete hold in memory */

struct img_spool {
	pthread_mutex_t lock; /* of all below */
	unsigned int users;
	int dirfd, fd;
	uint64_t end;
	size_t memory;
};

struct extent {
	uint64_t content, at, len;
};

struct img_spooled {
	struct img_spool *spool;
	unsigned int users;
	struct extent *extents;
	size_t nr, room;
	uint64_t filed;	     /* bytes in the file; the rest is in memory */
	unsigned char *tail; /* at most CHUNK */
	size_t tail_len, tail_room;
	bool counted; /* the tail is in spool->memory */
};

struct img_spool *img_spool_new(int dirfd, struct img_err *err)
{
	struct img_spool *spool = calloc(1, sizeof(*spool));

	if (!spool) {
		img_fail_nomem(err);
		return NULL;
	}
	pthread_mutex_init(&spool->lock, NULL);
	spool->users = 1;
	spool->fd = spool->dirfd = -1;
	if (dirfd >= 0) {
		spool->dirfd = fcntl(dirfd, F_DUPFD_CLOEXEC, 3);
		if (spool->dirfd < 0) {
			img_fail_sys(err, "spool");
			img_spool_put(spool);
			return NULL;
		}
	}
	return spool;
}

void img_spool_put(struct img_spool *spool)
{
	unsigned int users;

	if (!spool)
		return;
	pthread_mutex_lock(&spool->lock);
	users = --spool->users;
	pthread_mutex_unlock(&spool->lock);
	if (users)
		return;
	if (spool->fd >= 0)
		close(spool->fd);
	if (spool->dirfd >= 0)
		close(spool->dirfd);
	pthread_mutex_destroy(&spool->lock);
	free(spool);
}

/* For file systems that have no O_TMPFILE. */
static int temporary_named(const char *dir)
{
	cleanup_free char *path = NULL;
	int fd;

	if (asprintf(&path, "%s/criuimg.XXXXXX", dir) < 0) {
		path = NULL;
		return -1;
	}
	fd = mkostemp(path, O_CLOEXEC);
	if (fd >= 0)
		unlink(path);
	return fd;
}

/* The lock is held. */
static int file_make(struct img_spool *spool, struct img_err *err)
{
	const char *dir = secure_getenv("TMPDIR");

	if (!dir || !*dir)
		dir = "/var/tmp";
	if (spool->dirfd >= 0)
		spool->fd = openat(spool->dirfd, ".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	if (spool->fd < 0)
		spool->fd = open(dir, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	if (spool->fd < 0)
		spool->fd = temporary_named(dir);
	return spool->fd < 0 ? img_fail_sys(err, "%s: temporary file", dir) : 0;
}

struct img_spooled *img_spooled_new(struct img_spool *spool, struct img_err *err)
{
	struct img_spooled *s = calloc(1, sizeof(*s));

	if (!s) {
		img_fail_nomem(err);
		return NULL;
	}
	s->users = 1;
	s->spool = spool;
	pthread_mutex_lock(&spool->lock);
	spool->users++;
	pthread_mutex_unlock(&spool->lock);
	return s;
}

void img_spooled_put(struct img_spooled *s)
{
	if (!s || __atomic_sub_fetch(&s->users, 1, __ATOMIC_ACQ_REL))
		return;
	if (s->counted) {
		pthread_mutex_lock(&s->spool->lock);
		s->spool->memory -= s->tail_len;
		pthread_mutex_unlock(&s->spool->lock);
	}
	img_spool_put(s->spool);
	free(s->extents);
	free(s->tail);
	free(s);
}

static int file_write(int fd, const unsigned char *buf, size_t len, uint64_t at, struct img_err *err)
{
	while (len) {
		ssize_t n = pwrite(fd, buf, len, at);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return img_fail_sys(err, "temporary file: write");
		buf += n;
		len -= n;
		at += n;
	}
	return 0;
}

/* Append to the file. */
static int to_file(struct img_spooled *s, const void *buf, size_t len, struct img_err *err)
{
	struct img_spool *spool = s->spool;
	struct extent *e = s->nr ? &s->extents[s->nr - 1] : NULL;
	uint64_t at;
	int ret = 0;

	pthread_mutex_lock(&spool->lock);
	if (spool->fd < 0)
		ret = file_make(spool, err);
	at = spool->end;
	if (!ret)
		spool->end += len;
	pthread_mutex_unlock(&spool->lock);
	if (ret || file_write(spool->fd, buf, len, at, err))
		return -1;
	if (!e || e->at + e->len != at) {
		e = img_array_more(&s->extents, s->nr, &s->room);
		if (!e)
			return img_fail_nomem(err);
		s->nr++;
		*e = (struct extent){ .content = s->filed, .at = at };
	}
	e->len += len;
	s->filed += len;
	return 0;
}

static int tail_flush(struct img_spooled *s, struct img_err *err)
{
	size_t len = s->tail_len;

	s->tail_len = 0;
	return len ? to_file(s, s->tail, len, err) : 0;
}

int img_spooled_write(struct img_spooled *s, const void *buf, size_t len, struct img_err *err)
{
	if (len > CHUNK - s->tail_len && tail_flush(s, err))
		return -1;
	if (len > CHUNK)
		return to_file(s, buf, len, err);
	if (len > s->tail_room - s->tail_len) {
		size_t room = s->tail_room ? s->tail_room : 1024;
		unsigned char *more;

		while (room < s->tail_len + len)
			room *= 2;
		more = realloc(s->tail, room);
		if (!more)
			return img_fail_nomem(err);
		s->tail = more;
		s->tail_room = room;
	}
	if (len)
		memcpy(s->tail + s->tail_len, buf, len);
	s->tail_len += len;
	return 0;
}

int img_spooled_end(struct img_spooled *s, struct img_err *err)
{
	struct img_spool *spool = s->spool;

	pthread_mutex_lock(&spool->lock);
	if (!s->nr && spool->memory + s->tail_len <= MEMORY_MAX) {
		spool->memory += s->tail_len;
		s->counted = true;
	}
	pthread_mutex_unlock(&spool->lock);
	if (s->counted)
		return 0;
	if (tail_flush(s, err))
		return -1;
	free(steal_ptr(&s->tail));
	s->tail_room = 0;
	return 0;
}

uint64_t img_spooled_size(const struct img_spooled *s)
{
	return s->filed + s->tail_len;
}

/* ---- reading ---- */

struct spooled_source {
	struct img_spooled *s;
	uint64_t pos;
};

static const struct extent *extent_at(const struct img_spooled *s, uint64_t content)
{
	size_t lo = 0, hi = s->nr;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (s->extents[mid].content + s->extents[mid].len <= content)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo < s->nr ? &s->extents[lo] : NULL;
}

static ssize_t read_piece(
	const struct img_spooled *s, void *buf, size_t len, uint64_t offset, struct img_err *err)
{
	const struct extent *e;
	uint64_t in;
	ssize_t n;

	if (offset >= s->filed) {
		in = offset - s->filed;
		if (in >= s->tail_len)
			return 0;
		if (len > s->tail_len - in)
			len = s->tail_len - in;
		memcpy(buf, s->tail + in, len);
		return len;
	}
	e = extent_at(s, offset);
	in = offset - e->content;
	if (len > e->len - in)
		len = e->len - in;
	do {
		n = pread(s->spool->fd, buf, len, e->at + in);
	} while (n < 0 && errno == EINTR);
	if (n == 0)
		return img_fail(err, IMG_CORRUPT, "temporary file: ends too early");
	return n < 0 ? img_fail_sys(err, "temporary file: read") : n;
}

static ssize_t spooled_pread(void *self, void *buf, size_t len, uint64_t offset, struct img_err *err)
{
	struct spooled_source *src = self;
	size_t have = 0;

	while (have < len) {
		ssize_t n = read_piece(src->s, (char *)buf + have, len - have, offset + have, err);

		if (n < 0)
			return -1;
		if (n == 0)
			break;
		have += n;
	}
	return have;
}

static ssize_t spooled_read(void *self, void *buf, size_t len, struct img_err *err)
{
	struct spooled_source *src = self;
	ssize_t n = spooled_pread(self, buf, len, src->pos, err);

	if (n > 0)
		src->pos += n;
	return n;
}

static int64_t spooled_size(void *self)
{
	return img_spooled_size(((struct spooled_source *)self)->s);
}

static int spooled_skip(void *self, uint64_t len, struct img_err *err)
{
	struct spooled_source *src = self;
	uint64_t left = img_spooled_size(src->s) - src->pos;

	if (len > left)
		return img_fail(err, IMG_CORRUPT, "ends in the middle: %llu bytes are missing",
			(unsigned long long)(len - left));
	src->pos += len;
	return 0;
}

static void spooled_close(void *self)
{
	struct spooled_source *src = self;

	img_spooled_put(src->s);
	free(src);
}

static const struct img_source_ops spooled_ops = {
	.read = spooled_read,
	.pread = spooled_pread,
	.size = spooled_size,
	.skip = spooled_skip,
	.close = spooled_close,
};

struct img_source *img_spooled_source(struct img_spooled *s, struct img_err *err)
{
	struct spooled_source *self = calloc(1, sizeof(*self));
	struct img_source *src;

	if (!self) {
		img_fail_nomem(err);
		return NULL;
	}
	src = img_source_new(&spooled_ops, self, err);
	if (!src) {
		free(self);
		return NULL;
	}
	self->s = s;
	__atomic_add_fetch(&s->users, 1, __ATOMIC_RELAXED);
	return src;
}

struct img_source *img_spool_all(struct img_source *src, struct img_err *err)
{
	struct img_spool *spool = img_spool_new(-1, err);
	struct img_spooled *s = spool ? img_spooled_new(spool, err) : NULL;
	unsigned char *buf = malloc(CHUNK);
	struct img_source *all = NULL;
	ssize_t n = -1;

	if (!buf)
		img_fail_nomem(err);
	while (s && buf && (n = img_source_read(src, buf, CHUNK, err)) > 0)
		if (img_spooled_write(s, buf, n, err)) {
			n = -1;
			break;
		}
	if (n == 0 && !img_spooled_end(s, err))
		all = img_spooled_source(s, err);
	if (all)
		img_source_close(src);
	free(buf);
	img_spooled_put(s);
	img_spool_put(spool);
	return all;
}
