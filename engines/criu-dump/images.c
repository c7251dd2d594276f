/* criu-dump/images.c -- where the images go: a directory, an archive in a file, or an archive through a descriptor.
 *
 * A descriptor that carries the archive carries nothing else: it gets a number of its own at the start, and standard output
 * becomes standard error, for scripts and whatever else prints.
 */

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "criu-dump/spine.h"
#include "criuimg/array.h"
#include "criuimg/cleanup.h"
#include "criuimg/compress.h"

enum {
	PIPE_SIZE = 1 << 20, /* of a pipe to whoever takes the archive, where we may have one */
	LOOK_MS = 50, /* at most, between two looks at what the reader has left */
};

/* ---- an image streamer ---- */

#define STREAMER "streamer-capture.sock"

/* A connection to one whose socket is in the images directory: 1, 0 when none is there, -1. */
static int find_streamer(const struct options *opt, int *sock, struct img_err *err)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	cleanup_fd int dir = open(opt->images_dir, O_PATH | O_DIRECTORY | O_CLOEXEC), fd = -1;

	if (opt->stream_fd >= 0 || dir < 0 || faccessat(dir, STREAMER, F_OK, 0) < 0)
		return 0;
	snprintf(addr.sun_path, sizeof(addr.sun_path), "/proc/self/fd/%d/" STREAMER, dir);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || connect(fd, (struct sockaddr *)&addr, sizeof(addr)) < 0)
		return img_fail_sys(err, "--stream: image streamer at %s/" STREAMER, opt->images_dir);
	*sock = steal_fd(&fd);
	return 1;
}

int dump_stream_take(struct dump *d, struct img_err *err)
{
	int fd = d->opt->stream_fd >= 0 ? d->opt->stream_fd : STDOUT_FILENO, ret;

	if (!d->opt->stream || d->dry_run)
		return 0;
	if (d->opt->page_server || d->opt->lazy_pages)
		return img_fail(err, IMG_USAGE, "--stream carries the pages itself: not with %s",
			d->opt->page_server ? "--page-server" : "--lazy-pages");
	ret = find_streamer(d->opt, &d->stream, err);
	d->streamer = ret == 1;
	if (ret)
		return ret < 0 ? -1 : 0;
	if (isatty(fd))
		return img_fail(err, IMG_USAGE, "--stream: descriptor %d is a terminal: send it somewhere, as in "
						"criu-dump --stream ... | COMMAND", fd);
	d->stream = fcntl(fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
	if (d->stream < 0)
		return img_fail_sys(err, "--stream: descriptor %d", fd);
	/* Its reader is to see the end of it when we end. */
	if (fd == STDOUT_FILENO && dup2(STDERR_FILENO, STDOUT_FILENO) < 0)
		return img_fail_sys(err, "standard output");
	if (fd > STDERR_FILENO)
		close(fd);
	fcntl(d->stream, F_SETPIPE_SZ, PIPE_SIZE);
	return 0;
}

/* ---- bytes to a descriptor that may stand still, and a user who may give up meanwhile ---- */

struct stream_sink {
	struct dump *d;
	int fd;	     /* does not block, where that can be had */
	bool socket; /* send(2) */
};

static int write_failed(struct img_err *err)
{
	return errno == EPIPE || errno == ECONNRESET ? img_fail_sys(err, "--stream: the reader went away")
						     : img_fail_sys(err, "--stream: write");
}

static int wait_for_room(struct stream_sink *s, struct img_err *err)
{
	struct pollfd p[] = { { .fd = s->fd, .events = POLLOUT }, { .fd = s->d->front, .events = POLLIN } };

	if (poll(p, ARRAY_SIZE(p), -1) < 0 && errno != EINTR)
		return img_fail_sys(err, "--stream: poll");
	return p[1].revents ? dump_go_on(s->d, err) : 0;
}

static int stream_writev(void *self, struct iovec *iov, int nr, struct img_err *err)
{
	struct stream_sink *s = self;

	while (nr) {
		struct msghdr msg = { .msg_iov = iov, .msg_iovlen = nr };
		ssize_t n = s->socket ? sendmsg(s->fd, &msg, MSG_DONTWAIT | MSG_NOSIGNAL) : writev(s->fd, iov, nr);

		if (n < 0 && errno == EAGAIN) {
			if (wait_for_room(s, err) < 0)
				return -1;
			continue;
		}
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return write_failed(err);
		while (nr && (size_t)n >= iov->iov_len) {
			n -= iov->iov_len;
			iov++;
			nr--;
		}
		if (nr) {
			iov->iov_base = (char *)iov->iov_base + n;
			iov->iov_len -= n;
		}
	}
	return 0;
}

static int stream_write(void *self, const void *buf, size_t len, struct img_err *err)
{
	struct iovec iov = { (void *)buf, len };

	return stream_writev(self, &iov, 1, err);
}

/* A file may say only now that it could not be written. */
static int stream_finish(void *self, struct img_err *err)
{
	struct stream_sink *s = self;

	return close(steal_fd(&s->fd)) < 0 && errno != EINTR ? img_fail_sys(err, "--stream: close") : 0;
}

static void stream_close(void *self)
{
	struct stream_sink *s = self;

	if (s->fd >= 0)
		close(s->fd);
	free(s);
}

static const struct img_sink_ops stream_sink_ops = {
	.write = stream_write,
	.writev = stream_writev,
	.finish = stream_finish,
	.close = stream_close,
};

/* A descriptor of our own: whether it blocks is nobody else's business. Only pipes can be opened anew. */
static int own_stream(int fd, struct img_err *err)
{
	char path[32];
	struct stat st;
	int own = -1;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	if (fstat(fd, &st) == 0 && S_ISFIFO(st.st_mode))
		own = open(path, O_WRONLY | O_NONBLOCK | O_CLOEXEC);
	if (own < 0)
		own = fcntl(fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
	return own < 0 ? img_fail_sys(err, "--stream: descriptor %d", fd) : own;
}

static struct img_sink *stream_sink(struct dump *d, struct img_err *err)
{
	struct stream_sink *s = calloc(1, sizeof(*s));
	struct img_sink *sink = NULL;
	struct stat st;

	if (!s) {
		img_fail_nomem(err);
		return NULL;
	}
	s->d = d;
	s->socket = fstat(d->stream, &st) == 0 && S_ISSOCK(st.st_mode);
	s->fd = own_stream(d->stream, err);
	if (s->fd >= 0)
		sink = img_sink_new(&stream_sink_ops, s, err);
	if (!sink)
		stream_close(s);
	return sink;
}

static struct img_set *open_stream(struct dump *d, const struct img_zstd_options *zstd, struct img_err *err)
{
	struct img_sink *sink = stream_sink(d, err);
	struct img_set *set = sink ? img_set_create_archive_to(sink, zstd, err) : NULL;

	if (!set)
		img_sink_abort(sink);
	return set;
}

/* ---- all of them ---- */

static int go_on(void *arg, struct img_err *err)
{
	return dump_go_on(arg, err);
}

static struct img_set *open_streamer(struct dump *d, struct img_err *err)
{
	struct img_set *set = img_set_create_streamer(d->stream, go_on, d, err);

	if (set)
		steal_fd(&d->stream);
	return set;
}

int dump_images_open(struct dump *d, struct img_err *err)
{
	const struct img_zstd_options zstd = { .level = d->opt->compress_level };
	bool archive, compressed;

	archive = options_images_archive(d->opt, &compressed);
	compressed |= d->opt->compress;
	if (d->streamer)
		d->set = open_streamer(d, err);
	else if (d->opt->stream)
		d->set = open_stream(d, d->opt->compress ? &zstd : NULL, err);
	else if (archive)
		d->set = img_set_create_archive(d->opt->images_dir, compressed ? &zstd : NULL, err);
	else
		d->set = img_set_create_dir(AT_FDCWD, d->opt->images_dir, err);
	if (!d->set)
		return -1;
	return !d->opt->stream && !archive && compressed ? img_set_compress(d->set, &zstd, err) : 0;
}

/* What was written into a pipe is not yet with anybody. Once the tasks are gone it is all there is of them: wait until it was
 * read. What happens to it further on only the reader knows. */
int dump_stream_settle(struct dump *d, struct img_err *err)
{
	struct stat st;
	int left = 0, ms = 1;

	if (!d->opt->stream || d->streamer || fstat(d->stream, &st) < 0 || !S_ISFIFO(st.st_mode))
		return 0;
	while (ioctl(d->stream, FIONREAD, &left) == 0 && left) {
		struct pollfd p = { .fd = d->stream };

		if (poll(&p, 1, ms) < 0 && errno != EINTR)
			return img_fail_sys(err, "--stream: poll");
		if (p.revents & (POLLERR | POLLNVAL))
			return img_fail(err, IMG_SYS, "--stream: the reader went away with %d bytes not read", left);
		if (dump_go_on(d, err) < 0)
			return -1;
		ms = ms * 2 < LOOK_MS ? ms * 2 : LOOK_MS;
	}
	return 0;
}
