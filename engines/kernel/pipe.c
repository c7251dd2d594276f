/* engines/kernel/pipe.c -- tee(2) and pipe(7).
 *
 * The kernel does not tell whether what is in a pipe are packets; a reader notices: a read never goes beyond the end of a
 * packet, and what it does not take of a packet is thrown away.
 */

#include "kernel/pipe.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "criuimg/array.h"
#include "criuimg/cleanup.h"

struct copy {
	int in, out; /* a pipe of our own */
	size_t len;
};

static void drop_copy(struct copy *c)
{
	img_cleanup_fd(&c->in);
	img_cleanup_fd(&c->out);
}

static int queued(int fd, size_t *len, struct img_err *err)
{
	int n;

	if (ioctl(fd, FIONREAD, &n) < 0)
		return img_fail_sys(err, "FIONREAD of a pipe");
	*len = (size_t)n;
	return 0;
}

/* A pipe of ours with all that is in fd. */
static int make_copy(int fd, uint32_t size, size_t len, struct copy *c, struct img_err *err)
{
	int ends[2];
	ssize_t got;
	bool grown;

	if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) < 0)
		return img_fail_sys(err, "make a pipe");
	c->out = ends[0];
	c->in = ends[1];
	/* As many slots as it has: a slot may be filled in part. Where this is not allowed, less may do. */
	grown = fcntl(c->in, F_SETPIPE_SZ, size) >= 0;
	got = tee(fd, c->in, len, SPLICE_F_NONBLOCK);
	if (got < 0)
		return img_fail_sys(err, "tee a pipe");
	if ((size_t)got != len)
		return img_fail(err, grown ? IMG_SYS : IMG_UNSUPPORTED,
			"%zu bytes are in a pipe of %u, of which only %zd can be looked at%s", len, size, got,
			grown ? "" : ": fs.pipe-max-size is less");
	c->len = len;
	return 0;
}

/* Take the copy's content out, read by read. */
static int read_copy(struct copy *c, struct kern_pipe *out, struct img_err *err)
{
	size_t room = 0;

	while (out->len < c->len) {
		uint32_t *packet = img_array_more(&out->packets, out->nr_packets, &room);
		ssize_t got;

		if (!packet)
			return img_fail_nomem(err);
		got = read(c->out, out->data + out->len, c->len - out->len);
		if (got <= 0)
			return img_fail_sys(err, "read the copy of a pipe");
		*packet = (uint32_t)got;
		out->nr_packets++;
		out->len += (size_t)got;
	}
	return 0;
}

/* One read took it all: was it one packet? Then a read of less makes an end of it. A single byte cannot tell. */
static int is_packet(int fd, uint32_t size, size_t len, bool *packet, struct img_err *err)
{
	struct copy c = { -1, -1, 0 };
	cleanup_free char *buf = NULL;
	size_t left = 0;
	int ret = -1;

	*packet = false;
	if (len < 2 || len > 65536)
		return 0;
	buf = malloc(len);
	if (!buf)
		return img_fail_nomem(err);
	if (make_copy(fd, size, len, &c, err) == 0) {
		if (read(c.out, buf, len - 1) == (ssize_t)(len - 1))
			ret = queued(c.out, &left, err);
		else
			img_fail_sys(err, "read the copy of a pipe");
		*packet = left == 0;
	}
	drop_copy(&c);
	return ret;
}

int kern_pipe_peek(int fd, struct kern_pipe *out, struct img_err *err)
{
	struct copy c = { -1, -1, 0 };
	bool packet = false;
	size_t len = 0;
	int size, ret;

	*out = (struct kern_pipe){ 0 };
	size = fcntl(fd, F_GETPIPE_SZ);
	if (size < 0)
		return img_fail_sys(err, "F_GETPIPE_SZ");
	out->size = (uint32_t)size;
	if (queued(fd, &len, err) < 0)
		return -1;
	if (!len)
		return 0;
	out->data = malloc(len);
	if (!out->data)
		return img_fail_nomem(err);
	ret = make_copy(fd, out->size, len, &c, err);
	if (ret == 0)
		ret = read_copy(&c, out, err);
	drop_copy(&c);
	if (ret == 0 && out->nr_packets == 1)
		ret = is_packet(fd, out->size, len, &packet, err);
	if (ret < 0) {
		kern_pipe_free(out);
		return -1;
	}
	if (out->nr_packets == 1 && !packet) {
		free(out->packets);
		out->packets = NULL;
		out->nr_packets = 0;
	}
	return 0;
}

void kern_pipe_free(struct kern_pipe *p)
{
	free(p->data);
	free(p->packets);
	*p = (struct kern_pipe){ 0 };
}
