/* store/streamer.c -- the engine's end of the socket of an image streamer: requests, and pipes handed over. */

#include "store/streamer.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "criuimg/cleanup.h"
#include "img-streamer.pb-c.h"

#define MESSAGE_MAX 4096
#define PIPE_SIZE   (1 << 20)

static int put(int sock, const void *buf, size_t len, struct img_err *err)
{
	const char *at = buf;

	while (len) {
		ssize_t n = send(sock, at, len, MSG_NOSIGNAL);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return img_fail_sys(err, "image streamer: request");
		at += n;
		len -= n;
	}
	return 0;
}

static int get(int sock, void *buf, size_t len, struct img_err *err)
{
	char *at = buf;

	while (len) {
		ssize_t n = recv(sock, at, len, 0);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return img_fail_sys(err, "image streamer: answer");
		if (n == 0)
			return img_fail(err, IMG_CORRUPT, "image streamer: it went away");
		at += n;
		len -= n;
	}
	return 0;
}

static int request(int sock, const char *name, struct img_err *err)
{
	ImgStreamerRequestEntry req = IMG_STREAMER_REQUEST_ENTRY__INIT;
	unsigned char buf[MESSAGE_MAX];
	uint32_t size;

	req.filename = (char *)name;
	size = img_streamer_request_entry__get_packed_size(&req);
	if (size > sizeof(buf) - sizeof(size))
		return img_fail(err, IMG_USAGE, "image streamer: '%.300s' is too long a name", name);
	memcpy(buf, &size, sizeof(size));
	img_streamer_request_entry__pack(&req, buf + sizeof(size));
	return put(sock, buf, size + sizeof(size), err);
}

/* Does the file exist: 1, 0, -1. */
static int answer(int sock, struct img_err *err)
{
	unsigned char buf[MESSAGE_MAX];
	ImgStreamerReplyEntry *reply;
	uint32_t size;
	int ret;

	if (get(sock, &size, sizeof(size), err))
		return -1;
	if (size > sizeof(buf))
		return img_fail(err, IMG_CORRUPT, "image streamer: an answer of %u bytes", size);
	if (get(sock, buf, size, err))
		return -1;
	reply = img_streamer_reply_entry__unpack(NULL, size, buf);
	if (!reply)
		return img_fail(err, IMG_CORRUPT, "image streamer: an answer that is no such message");
	ret = reply->exists;
	img_streamer_reply_entry__free_unpacked(reply, NULL);
	return ret;
}

static int send_fd(int sock, int fd, struct img_err *err)
{
	union {
		char buf[CMSG_SPACE(sizeof(int))];
		struct cmsghdr align;
	} control = { 0 };
	char byte = 0;
	struct iovec iov = { &byte, 1 };
	struct msghdr msg = {
		.msg_iov = &iov, .msg_iovlen = 1, .msg_control = control.buf, .msg_controllen = sizeof(control.buf)
	};
	struct cmsghdr *c = CMSG_FIRSTHDR(&msg);
	ssize_t n;

	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(c), &fd, sizeof(fd));
	do
		n = sendmsg(sock, &msg, MSG_NOSIGNAL);
	while (n < 0 && errno == EINTR);
	return n == 1 ? 0 : img_fail_sys(err, "image streamer: handing over a pipe");
}

int img_streamer_ask(int sock, const char *name, bool serve, int *pipe, struct img_err *err)
{
	cleanup_fd int ours = -1, theirs = -1;
	int ends[2], ret;

	if (request(sock, name, err))
		return -1;
	ret = serve ? answer(sock, err) : 1;
	if (ret != 1)
		return ret;
	if (pipe2(ends, O_CLOEXEC))
		return img_fail_sys(err, "image streamer: pipe");
	ours = ends[!serve];
	theirs = ends[serve];
	fcntl(ours, F_SETPIPE_SZ, PIPE_SIZE);
	if (send_fd(sock, theirs, err))
		return -1;
	*pipe = steal_fd(&ours);
	return 1;
}
