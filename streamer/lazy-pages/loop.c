/* streamer/lazy-pages/loop.c -- faults first, and the rest meanwhile. */

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "criuimg/cleanup.h"
#include "remote/lazy-wire.h"
#include "streamer/lazy-pages/lazy.h"

enum { READY = 32 };

static int watch(struct lazy *l, int fd, void *what, struct img_err *err)
{
	struct epoll_event ev = { .events = EPOLLIN, .data.ptr = what };

	return epoll_ctl(l->epoll, EPOLL_CTL_ADD, fd, &ev) < 0 ? img_fail_sys(err, "epoll") : 0;
}

int lazy_watch(struct lazy *l, struct lazy_task *t, struct img_err *err)
{
	return watch(l, t->uffd, t, err);
}

static int wait_signals(struct img_err *err)
{
	sigset_t set;
	int fd;

	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGHUP);
	sigprocmask(SIG_BLOCK, &set, NULL);
	fd = signalfd(-1, &set, SFD_CLOEXEC);
	return fd < 0 ? img_fail_sys(err, "signalfd") : fd;
}

/* ---- criu-restore ---- */

static int take_uffd(struct lazy *l, int sock, int pid, struct img_err *err)
{
	char byte, control[CMSG_SPACE(sizeof(int))];
	struct iovec iov = { &byte, 1 };
	struct msghdr msg = {
		.msg_iov = &iov, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof(control)
	};
	struct cmsghdr *c;
	ssize_t got;
	int fd;

	do
		got = recvmsg(sock, &msg, MSG_CMSG_CLOEXEC);
	while (got < 0 && errno == EINTR);
	c = got > 0 ? CMSG_FIRSTHDR(&msg) : NULL;
	if (!c || c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS ||
		c->cmsg_len != CMSG_LEN(sizeof(int)))
		return img_fail(err, IMG_SYS, "restore: no descriptor comes for pid %d", pid);
	memcpy(&fd, CMSG_DATA(c), sizeof(fd));
	return lazy_task_new(l, pid, fd, err);
}

/* What criu-restore has to say. 1: its connection has ended. */
static int hear(struct lazy *l, int sock, struct img_err *err)
{
	struct remote_conn conn = { .fd = sock };
	uint32_t word;
	int ret = remote_recv(&conn, &word, sizeof(word), err);

	/* Who has not read our greeting ends with a reset. */
	if (ret < 0 && l->restored && err->sys_errno == ECONNRESET) {
		*err = (struct img_err)IMG_ERR_INIT;
		return 1;
	}
	if (ret < 0)
		return img_wrap(err, "restore");
	if (ret == 0)
		return l->restored ? 1
				   : img_fail(err, IMG_SYS, "the restore ended before the tree was there");
	if (l->restored)
		return img_fail(err, IMG_CORRUPT, "restore: word %#x after the end", word);
	if (word == LAZY_RESTORED) {
		log_info(l->log, "the tree runs");
		l->restored = true;
		return 0;
	}
	if (!word || word > INT32_MAX)
		return img_fail(err, IMG_CORRUPT, "restore: %#x is no pid", word);
	return take_uffd(l, sock, word, err);
}

/* ---- all of it ---- */

static bool any_left(const struct lazy *l)
{
	for (const struct lazy_task *t = l->tasks; t; t = t->next)
		if (t->uffd >= 0)
			return true;
	return false;
}

static void forget_done(struct lazy *l)
{
	for (struct lazy_task **at = &l->tasks; *at;) {
		struct lazy_task *t = *at;

		if (t->uffd >= 0) {
			at = &t->next;
			continue;
		}
		*at = t->next;
		lazy_task_free(t);
	}
}

static int fill_all(struct lazy *l, struct img_err *err)
{
	for (struct lazy_task *t = l->tasks; t; t = t->next)
		if (t->uffd >= 0 && lazy_task_fill(l, t, err) < 0)
			return -1;
	return 0;
}

static int serve(struct lazy *l, int *sock, int signals, struct img_err *err)
{
	while (!l->restored || any_left(l)) {
		struct epoll_event ready[READY];
		int nr = epoll_wait(l->epoll, ready, READY, l->restored ? 0 : -1), ret;

		if (nr < 0 && errno != EINTR)
			return img_fail_sys(err, "epoll");
		for (int i = 0; i < nr; i++) {
			if (ready[i].data.ptr == &l->restored)
				return img_fail(err, IMG_SYS, "told to end by a signal: signal %d", signals);
			if (ready[i].data.ptr != sock) {
				if (lazy_task_events(l, ready[i].data.ptr, err) < 0)
					return -1;
				continue;
			}
			ret = hear(l, *sock, err);
			if (ret < 0)
				return -1;
			if (ret)
				close(steal_fd(sock));
		}
		forget_done(l);
		if (l->restored && fill_all(l, err) < 0)
			return -1;
	}
	return 0;
}

static int run(struct lazy *l, int listener, int *sock, struct img_err *err)
{
	cleanup_fd int signals = wait_signals(err);
	const uint32_t hello = LAZY_HELLO;
	struct epoll_event ready;

	if (signals < 0 || watch(l, signals, &l->restored, err) < 0 || watch(l, listener, l, err) < 0)
		return -1;
	while (epoll_wait(l->epoll, &ready, 1, -1) < 1)
		if (errno != EINTR)
			return img_fail_sys(err, "epoll");
	if (ready.data.ptr != l)
		return img_fail(err, IMG_SYS, "told to end by a signal");
	epoll_ctl(l->epoll, EPOLL_CTL_DEL, listener, NULL);
	*sock = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
	if (*sock < 0)
		return img_fail_sys(err, "accept");
	/* Who does not read it does not mind. */
	if (remote_send(&(struct remote_conn){ .fd = *sock }, &hello, sizeof(hello), err) < 0)
		return img_wrap(err, "restore");
	if (watch(l, *sock, sock, err) < 0)
		return -1;
	return serve(l, sock, signals, err);
}

int lazy_run(struct lazy *l, int listener, struct img_err *err)
{
	cleanup_fd int sock = -1;
	struct lazy_guard *guard;
	int ret;

	l->buf = malloc(LAZY_BUFFER);
	if (!l->buf)
		return img_fail_nomem(err);
	l->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (l->epoll < 0) {
		free(l->buf);
		return img_fail_sys(err, "epoll");
	}
	guard = lazy_guard_start(l, err);
	ret = guard ? run(l, listener, &sock, err) : -1;
	if (ret == 0)
		ret = lazy_source_finish(&l->source, err);
	for (struct lazy_task *t = l->tasks; t; t = t->next)
		if (t->uffd >= 0)
			lazy_task_poison(t);
	lazy_guard_stop(guard);
	for (struct lazy_task *t = l->tasks, *next; t; t = next) {
		next = t->next;
		lazy_task_free(t);
	}
	close(l->epoll);
	free(l->buf);
	return ret;
}
