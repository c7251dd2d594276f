/* streamer/page-server/loop.c -- the connections of a server, each with a thread of its own.
 *
 * A server ends when its last connection has ended, as that of CRIU, which serves one. Others that come before that are served beside it:
 * several dumps, or one that asks before it sends.
 */

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "criuimg/cleanup.h"
#include "streamer/page-server/server.h"
#include "remote/tls.h"

struct loop {
	struct page_server *s;
	pthread_mutex_t lock;
	int ended; /* eventfd: a connection has ended */
	/* under the lock */
	struct connection *first;
	int failed;
	struct img_err err; /* the first failure */
};

struct connection {
	struct loop *loop;
	struct remote_conn conn;
	struct connection *next;
};

static int serve(struct page_server *s, struct remote_conn *conn, struct img_err *err)
{
	if (s->opt->tls) {
		conn->tls = remote_tls_start(s->opt, conn->fd, true, NULL, err);
		if (!conn->tls)
			return -1;
	}
	return page_server_session(s, conn, err);
}

/* Out of the list, and closed: nobody shuts down a descriptor that has another meaning meanwhile. */
static void leave(struct connection *c, const struct img_err *err)
{
	struct loop *loop = c->loop;
	uint64_t one = 1;

	pthread_mutex_lock(&loop->lock);
	for (struct connection **at = &loop->first; *at; at = &(*at)->next)
		if (*at == c) {
			*at = c->next;
			break;
		}
	remote_close(&c->conn);
	if (err->code != IMG_OK) {
		/* The first one is what the program ends with. */
		if (loop->failed)
			log_error(loop->s->log, "%s", err->text);
		else
			loop->err = *err;
		loop->failed = 1;
	}
	free(c);
	if (write(loop->ended, &one, sizeof(one)) < 0)
		abort(); /* an eventfd takes it */
	pthread_mutex_unlock(&loop->lock);
}

static void *work(void *arg)
{
	struct connection *c = arg;
	struct img_err err = IMG_ERR_INIT;

	serve(c->loop->s, &c->conn, &err);
	leave(c, &err);
	return NULL;
}

static int start(struct loop *loop, int fd, struct img_err *err)
{
	struct connection *c = calloc(1, sizeof(*c));
	pthread_attr_t attr;
	pthread_t thread;
	int ret;

	if (!c) {
		close(fd);
		return img_fail_nomem(err);
	}
	remote_tune(fd);
	c->loop = loop;
	c->conn.fd = fd;
	pthread_mutex_lock(&loop->lock);
	c->next = loop->first;
	loop->first = c;
	pthread_attr_init(&attr);
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	ret = pthread_create(&thread, &attr, work, c);
	pthread_attr_destroy(&attr);
	if (ret) {
		loop->first = c->next;
		remote_close(&c->conn);
		free(c);
	}
	pthread_mutex_unlock(&loop->lock);
	errno = ret;
	return ret ? img_fail_sys(err, "a thread for the connection") : 0;
}

static bool any(struct loop *loop)
{
	bool there;

	pthread_mutex_lock(&loop->lock);
	there = loop->first;
	pthread_mutex_unlock(&loop->lock);
	return there;
}

/* Told to end: the connections are cut, and their threads see it. */
static void cut(struct loop *loop)
{
	uint64_t count;

	pthread_mutex_lock(&loop->lock);
	for (struct connection *c = loop->first; c; c = c->next)
		shutdown(c->conn.fd, SHUT_RDWR);
	pthread_mutex_unlock(&loop->lock);
	while (any(loop))
		if (read(loop->ended, &count, sizeof(count)) < 0 && errno != EINTR)
			break;
}

static int wait_signals(struct img_err *err)
{
	sigset_t set;
	int fd;

	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGHUP);
	if (pthread_sigmask(SIG_BLOCK, &set, NULL))
		return img_fail(err, IMG_SYS, "block signals");
	fd = signalfd(-1, &set, SFD_CLOEXEC);
	return fd < 0 ? img_fail_sys(err, "signalfd") : fd;
}

static int accept_one(struct loop *loop, int listener, struct img_err *err)
{
	int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);

	if (fd >= 0)
		return start(loop, fd, err);
	if (errno == EINTR || errno == ECONNABORTED || errno == EAGAIN)
		return 0;
	return img_fail_sys(err, "accept");
}

static int run(struct loop *loop, int listener, int signals, bool listening, struct img_err *err)
{
	struct pollfd p[] = {
		{ .fd = signals, .events = POLLIN },
		{ .fd = loop->ended, .events = POLLIN },
		{ .fd = listening ? listener : -1, .events = POLLIN },
	};
	bool served = !listening;
	uint64_t count;

	if (!listening && start(loop, listener, err) < 0)
		return -1;
	for (;;) {
		if (poll(p, 3, -1) < 0 && errno != EINTR)
			return img_fail_sys(err, "poll");
		if (p[0].revents)
			return img_fail(err, IMG_SYS, "told to end by a signal");
		/* Who came before the last one left is served, too. */
		if (p[2].revents) {
			if (accept_one(loop, listener, err) < 0)
				return -1;
			served = true;
		}
		if (p[1].revents && read(loop->ended, &count, sizeof(count)) > 0 && served && !any(loop))
			return 0;
	}
}

int page_server_loop(struct page_server *s, int listener, struct img_err *err)
{
	struct loop loop = { .s = s, .lock = PTHREAD_MUTEX_INITIALIZER, .ended = eventfd(0, EFD_CLOEXEC) };
	cleanup_fd int ended = loop.ended, signals = wait_signals(err);
	int listening = 0, ret;
	socklen_t len = sizeof(listening);

	if (signals < 0)
		return -1;
	if (ended < 0)
		return img_fail_sys(err, "eventfd");
	if (getsockopt(listener, SOL_SOCKET, SO_ACCEPTCONN, &listening, &len) < 0)
		return img_fail_sys(err, "descriptor %d", listener);
	ret = run(&loop, listener, signals, listening, err);
	cut(&loop);
	if (ret == 0 && loop.failed) {
		*err = loop.err;
		return -1;
	}
	return ret;
}
