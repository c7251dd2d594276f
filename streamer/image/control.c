/* streamer/image/control.c -- the socket in the images directory: what an engine asks for, and the pipes it sends. */

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "criuimg/array.h"
#include "criuimg/cleanup.h"
#include "img-streamer.pb-c.h"
#include "streamer/image/image.h"

enum { REQUEST_MAX = 4096 };

/* Through /proc: a directory's path may be longer than an address. */
static int address(const struct streamer *s, const char *name, struct sockaddr_un *addr, struct img_err *err)
{
	*addr = (struct sockaddr_un){ .sun_family = AF_UNIX };
	if ((size_t)snprintf(addr->sun_path, sizeof(addr->sun_path), "/proc/self/fd/%d/%s", s->dirfd, name) >=
		sizeof(addr->sun_path))
		return img_fail(err, IMG_USAGE, "%s: too long a name", name);
	return 0;
}

/* What ends us while there is a socket that is to be taken away first. */
static void ending_signals(sigset_t *set)
{
	sigemptyset(set);
	sigaddset(set, SIGINT);
	sigaddset(set, SIGTERM);
	sigaddset(set, SIGHUP);
}

int control_listen(const struct streamer *s, const char *name, struct img_err *err)
{
	cleanup_fd int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct sockaddr_un addr;
	sigset_t ending;

	ending_signals(&ending);
	sigprocmask(SIG_BLOCK, &ending, NULL);
	if (fd < 0 || address(s, name, &addr, err) < 0)
		return fd < 0 ? img_fail_sys(err, "socket") : -1;
	/* Of an earlier run. */
	if (unlinkat(s->dirfd, name, 0) < 0 && errno != ENOENT)
		return img_fail_sys(err, "%s/%s", s->dir, name);
	if (bind(fd, (struct sockaddr *)&addr, sizeof(addr)) < 0 || listen(fd, 1) < 0)
		return img_fail_sys(err, "%s/%s: listen", s->dir, name);
	return steal_fd(&fd);
}

static int accept_one(int listener, const sigset_t *ending, struct img_err *err)
{
	cleanup_fd int signals = signalfd(-1, ending, SFD_CLOEXEC);
	struct pollfd p[] = { { .fd = listener, .events = POLLIN }, { .fd = signals, .events = POLLIN } };
	struct signalfd_siginfo info;
	int fd;

	if (signals < 0)
		return img_fail_sys(err, "signalfd");
	do {
		if (poll(p, ARRAY_SIZE(p), -1) < 0 && errno != EINTR)
			return img_fail_sys(err, "poll");
		if (p[1].revents && read(signals, &info, sizeof(info)) > 0)
			return img_fail(err, IMG_SYS, "told to end by a signal");
		fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
	} while (fd < 0 && (errno == EINTR || errno == ECONNABORTED));
	return fd < 0 ? img_fail_sys(err, "accept") : fd;
}

int control_accept(const struct streamer *s, const char *name, int listener, struct img_err *err)
{
	sigset_t ending;
	int fd;

	ending_signals(&ending);
	fd = accept_one(listener, &ending, err);
	unlinkat(s->dirfd, name, 0);
	sigprocmask(SIG_UNBLOCK, &ending, NULL);
	return fd < 0 ? img_wrap(err, "%s/%s", s->dir, name) : fd;
}

/* 1, 0 at the end before the first byte, -1. */
static int take(int sock, void *buf, size_t len, struct img_err *err)
{
	size_t have = 0;

	while (have < len) {
		ssize_t n = recv(sock, (char *)buf + have, len - have, 0);

		if (n < 0 && errno == EINTR)
			continue;
		/* It has closed the socket without having read what it did not wait for. */
		if (n < 0 && errno == ECONNRESET)
			n = 0;
		if (n < 0)
			return img_fail_sys(err, "reading from the engine");
		if (n == 0 && !have)
			return 0;
		if (n == 0)
			return img_fail(err, IMG_CORRUPT, "the engine went away in the middle of a request");
		have += n;
	}
	return 1;
}

static int unpack(const unsigned char *buf, size_t len, char *name, struct img_err *err)
{
	ImgStreamerRequestEntry *req = img_streamer_request_entry__unpack(NULL, len, buf);

	if (!req)
		return img_fail(err, IMG_CORRUPT, "a request of the engine is no such message");
	if (!image_name_ok(req->filename)) {
		img_streamer_request_entry__free_unpacked(req, NULL);
		return img_fail(err, IMG_CORRUPT, "the engine asks for what is no name of a file");
	}
	strcpy(name, req->filename);
	img_streamer_request_entry__free_unpacked(req, NULL);
	return 1;
}

int control_request(int sock, char name[IMAGE_NAME_MAX + 1], struct img_err *err)
{
	unsigned char buf[REQUEST_MAX];
	uint32_t size;
	int ret = take(sock, &size, sizeof(size), err);

	if (ret <= 0)
		return ret;
	if (size > sizeof(buf))
		return img_fail(err, IMG_CORRUPT, "a request of %u bytes", size);
	if (take(sock, buf, size, err) <= 0)
		return -1;
	return unpack(buf, size, name, err);
}

int control_reply(int sock, bool exists, struct img_err *err)
{
	ImgStreamerReplyEntry reply = IMG_STREAMER_REPLY_ENTRY__INIT;
	unsigned char buf[64];
	uint32_t size;

	reply.exists = exists;
	size = img_streamer_reply_entry__get_packed_size(&reply);
	memcpy(buf, &size, sizeof(size));
	img_streamer_reply_entry__pack(&reply, buf + sizeof(size));
	size += sizeof(size);
	if (send(sock, buf, size, MSG_NOSIGNAL) != (ssize_t)size)
		return img_fail_sys(err, "answering the engine");
	return 0;
}

int control_take_fd(int sock, struct img_err *err)
{
	union {
		char buf[CMSG_SPACE(sizeof(int))];
		struct cmsghdr align;
	} control;
	char byte;
	struct iovec iov = { &byte, 1 };
	struct msghdr msg = {
		.msg_iov = &iov, .msg_iovlen = 1, .msg_control = control.buf, .msg_controllen = sizeof(control.buf)
	};
	struct cmsghdr *c;
	ssize_t n;
	int fd;

	do
		n = recvmsg(sock, &msg, MSG_CMSG_CLOEXEC);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return img_fail_sys(err, "taking a pipe from the engine");
	c = n ? CMSG_FIRSTHDR(&msg) : NULL;
	if (!c || c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS || c->cmsg_len != CMSG_LEN(sizeof(int)))
		return img_fail(err, IMG_CORRUPT, "the engine sent no pipe");
	memcpy(&fd, CMSG_DATA(c), sizeof(fd));
	return fd;
}
