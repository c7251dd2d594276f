/* engines/criu-dump/cut.c -- waiting for the other end of a connection, and for the user, at once.
 *
 * A server that takes nothing more, or a client that says nothing more, holds us in a system call, and the tasks with us. A thread
 * beside that waits for the user alone.
 */

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "criu-dump/cut.h"

struct dump_cut {
	pthread_t thread;
	int front, fd, stop;
};

static void *work(void *arg)
{
	const struct dump_cut *c = arg;
	struct pollfd p[] = { { .fd = c->front, .events = POLLIN }, { .fd = c->stop, .events = POLLIN } };

	while (poll(p, 2, -1) < 0 && errno == EINTR)
		;
	if (p[0].revents)
		shutdown(c->fd, SHUT_RDWR);
	return NULL;
}

struct dump_cut *dump_cut_start(struct dump *d, int fd, struct img_err *err)
{
	struct dump_cut *c = calloc(1, sizeof(*c));

	if (!c) {
		img_fail_nomem(err);
		return NULL;
	}
	c->front = d->front;
	c->fd = fd;
	c->stop = eventfd(0, EFD_CLOEXEC);
	if (c->stop >= 0) {
		errno = pthread_create(&c->thread, NULL, work, c);
		if (!errno)
			return c;
		close(c->stop);
	}
	img_fail_sys(err, "a thread for the connection");
	free(c);
	return NULL;
}

void dump_cut_stop(struct dump_cut *c)
{
	if (!c)
		return;
	eventfd_write(c->stop, 1);
	pthread_join(c->thread, NULL);
	close(c->stop);
	free(c);
}
