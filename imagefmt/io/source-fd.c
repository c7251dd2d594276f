/* io/source-fd.c -- bytes in from a descriptor: a regular file, read by position, or anything else, read as it comes. */

#include "criuimg/io.h"
#include "io/fd-start.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define BUFFER_SIZE ((size_t)64 << 10)

struct fd_source {
	int fd;
	bool seekable;
	uint64_t base;	     /* where byte 0 of the source is in the file */
	uint64_t next;	     /* seekable: offset in the file of what the next read brings into the buffer */
	unsigned char *buf;  /* allocated by the first small read */
	size_t used, filled; /* buf[used..filled) was read and not yet handed out */
};

/* One read, past signals. */
static ssize_t read_some(struct fd_source *f, void *buf, size_t len, struct img_err *err)
{
	ssize_t n;

	do {
		n = f->seekable ? pread(f->fd, buf, len, f->next) : read(f->fd, buf, len);
	} while (n < 0 && errno == EINTR);
	if (n < 0)
		return img_fail_sys(err, "read");
	f->next += n;
	return n;
}

static ssize_t fd_read(void *self, void *buf, size_t len, struct img_err *err)
{
	struct fd_source *f = self;

	if (f->used == f->filled) {
		ssize_t n;

		if (len >= BUFFER_SIZE)
			return read_some(f, buf, len, err);
		if (!f->buf)
			f->buf = malloc(BUFFER_SIZE);
		if (!f->buf)
			return img_fail_nomem(err);
		n = read_some(f, f->buf, BUFFER_SIZE, err);
		if (n <= 0)
			return n;
		f->used = 0;
		f->filled = n;
	}
	if (len > f->filled - f->used)
		len = f->filled - f->used;
	memcpy(buf, f->buf + f->used, len);
	f->used += len;
	return len;
}

static ssize_t fd_pread(void *self, void *buf, size_t len, uint64_t offset, struct img_err *err)
{
	struct fd_source *f = self;
	size_t have = 0;

	if (offset > INT64_MAX - f->base)
		return 0;
	while (have < len) {
		ssize_t n = pread(f->fd, (char *)buf + have, len - have, f->base + offset + have);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return img_fail_sys(err, "read");
		if (n == 0)
			break;
		have += n;
	}
	return have;
}

static int64_t fd_size(void *self)
{
	struct fd_source *f = self;
	struct stat st;

	if (fstat(f->fd, &st))
		return -1;
	return (uint64_t)st.st_size > f->base ? (int64_t)(st.st_size - f->base) : 0;
}

static int fd_skip(void *self, uint64_t len, struct img_err *err)
{
	struct fd_source *f = self;
	size_t buffered = f->filled - f->used;
	uint64_t left;
	int64_t size;

	if (len <= buffered) {
		f->used += len;
		return 0;
	}
	len -= buffered;
	size = fd_size(self);
	if (size < 0)
		return img_fail_sys(err, "stat");
	left = f->base + size > f->next ? f->base + size - f->next : 0;
	if (len > left)
		return img_fail(err, IMG_CORRUPT, "ends in the middle: %llu bytes are missing",
			(unsigned long long)(len - left));
	f->used = f->filled = 0;
	f->next += len;
	return 0;
}

static int fd_fd(void *self, uint64_t *offset)
{
	struct fd_source *f = self;

	*offset = f->base;
	return f->fd;
}

static void fd_close(void *self)
{
	struct fd_source *f = self;

	close(f->fd);
	free(f->buf);
	free(f);
}

static const struct img_source_ops file_source_ops = {
	.read = fd_read,
	.pread = fd_pread,
	.size = fd_size,
	.fd = fd_fd,
	.skip = fd_skip,
	.close = fd_close,
};

static const struct img_source_ops stream_source_ops = {
	.read = fd_read,
	.close = fd_close,
};

struct img_source *img_source_fd_new(int fd, struct img_err *err)
{
	struct img_source *src;
	struct fd_source *f;
	uint64_t pos;
	int regular = img_fd_start(fd, &pos, err);

	if (regular < 0)
		return NULL;
	f = calloc(1, sizeof(*f));
	if (!f) {
		img_fail_nomem(err);
		return NULL;
	}
	f->fd = fd;
	f->seekable = regular;
	f->base = f->next = pos;
	src = img_source_new(f->seekable ? &file_source_ops : &stream_source_ops, f, err);
	if (!src)
		free(f);
	return src;
}
