/* engines/criu/rpc-wire.c -- packets of the RPC socket. */

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "criu/rpc.h"
#include "criuimg/cleanup.h"

enum {
	PACKET_MAX = 16 << 20, /* a request of thousands of names is far below */
};

int rpc_client_init(struct rpc_client *client, int fd, struct img_err *err)
{
	struct ucred who;
	socklen_t len = sizeof(who);

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &len) < 0)
		return img_fail_sys(err, "descriptor %d: who is at the other end", fd);
	*client = (struct rpc_client){ .fd = fd, .pid = who.pid, .uid = who.uid };
	return 0;
}

int rpc_receive(int fd, CriuReq **req, struct img_err *err)
{
	cleanup_free uint8_t *packet = NULL;
	ssize_t size, got;

	*req = NULL;
	do
		size = recv(fd, NULL, 0, MSG_PEEK | MSG_TRUNC);
	while (size < 0 && errno == EINTR);
	if (size < 0 && errno != ECONNRESET)
		return img_fail_sys(err, "receive a request");
	if (size <= 0)
		return 0;
	if (size > PACKET_MAX)
		return img_fail(err, IMG_SYS, "a request of %zd bytes", size);
	packet = malloc(size);
	if (!packet)
		return img_fail_nomem(err);
	got = recv(fd, packet, size, 0);
	if (got < 0)
		return img_fail_sys(err, "receive a request");
	*req = criu_req__unpack(NULL, got, packet);
	return 1;
}

int rpc_send(int fd, const CriuResp *resp, int pass, struct img_err *err)
{
	size_t size = criu_resp__get_packed_size(resp);
	cleanup_free uint8_t *packet = malloc(size + 1);
	struct iovec iov = { packet, size };
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(sizeof(int))];
	} room = { 0 };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };

	if (!packet)
		return img_fail_nomem(err);
	criu_resp__pack(resp, packet);
	if (pass >= 0) {
		struct cmsghdr *c;

		msg.msg_control = &room;
		msg.msg_controllen = sizeof(room);
		c = CMSG_FIRSTHDR(&msg);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(sizeof(pass));
		memcpy(CMSG_DATA(c), &pass, sizeof(pass));
	}
	if (sendmsg(fd, &msg, MSG_NOSIGNAL) < 0)
		return img_fail_sys(err, "answer the client");
	return 0;
}
