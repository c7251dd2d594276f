/* io/sink-fd.c -- bytes out to a descriptor. */

#include "io/sink.h"
#include "criuimg/cleanup.h"
#include "io/fd-start.h"
#include "io/fd-write.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

struct fd_sink {
	int fd;
	bool seekable;
	uint64_t next; /* seekable: where in the file the next byte belongs */
};

static int fd_write(void *self, const void *buf, size_t len, struct img_err *err)
{
	struct fd_sink *f = self;

	if (img_fd_write(f->fd, buf, len, err))
		return -1;
	f->next += len;
	return 0;
}

static int fd_writev(void *self, struct iovec *iov, int nr, struct img_err *err)
{
	struct fd_sink *f = self;

	while (nr) {
		ssize_t n;

		if (!iov->iov_len) {
			iov++;
			nr--;
			continue;
		}
		n = writev(f->fd, iov, nr);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return img_fail_sys(err, "write");
		f->next += n;
		img_iov_done(&iov, &nr, n);
	}
	return 0;
}

static int fd_fd(void *self)
{
	struct fd_sink *f = self;

	return f->fd;
}

static int fd_moved(void *self, uint64_t len, struct img_err *err)
{
	struct fd_sink *f = self;

	f->next += len;
	/* Whoever moved the bytes may have given an offset, which leaves the file's position alone, or not. */
	if (f->seekable && lseek(f->fd, f->next, SEEK_SET) < 0)
		return img_fail_sys(err, "seek");
	return 0;
}

/* Some file systems report a failed write only here. */
static int fd_finish(void *self, struct img_err *err)
{
	struct fd_sink *f = self;

	if (close(steal_fd(&f->fd)) && errno != EINTR)
		return img_fail_sys(err, "close");
	return 0;
}

static void fd_close(void *self)
{
	struct fd_sink *f = self;

	if (f->fd >= 0)
		close(f->fd);
	free(f);
}

static const struct img_sink_ops fd_sink_ops = {
	.write = fd_write,
	.writev = fd_writev,
	.fd = fd_fd,
	.moved = fd_moved,
	.finish = fd_finish,
	.close = fd_close,
};

static struct img_sink *fd_sink_new(int fd, bool buffered, struct img_err *err)
{
	struct img_sink *sink;
	struct fd_sink *f;
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
	f->next = pos;
	sink = buffered ? img_sink_new(&fd_sink_ops, f, err) : img_sink_new_unbuffered(&fd_sink_ops, f, err);
	if (!sink)
		free(f);
	return sink;
}

struct img_sink *img_sink_fd_new(int fd, struct img_err *err)
{
	return fd_sink_new(fd, true, err);
}

struct img_sink *img_sink_fd_new_unbuffered(int fd, struct img_err *err)
{
	return fd_sink_new(fd, false, err);
}
