/* kernel/rtnl.c -- rtnetlink(7). */

#include "kernel/rtnl.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <linux/nexthop.h>

#include "criuimg/array.h"
#include "criuimg/cleanup.h"
#include "kernel/rtnl-msg.h"

#ifndef SOL_NETLINK
#define SOL_NETLINK 270
#endif

enum {
	ANSWER_ROOM = 64 << 10, /* what the kernel puts into one datagram of an answer is below */
};

int kern_rtnl_open(struct img_err *err)
{
	cleanup_fd int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
	struct sockaddr_nl self = { .nl_family = AF_NETLINK };
	int on = 1;

	/* The kernel says more about what it refuses, and does not send it back whole. */
	if (fd >= 0) {
		setsockopt(fd, SOL_NETLINK, NETLINK_EXT_ACK, &on, sizeof(on));
		setsockopt(fd, SOL_NETLINK, NETLINK_CAP_ACK, &on, sizeof(on));
	}
	if (fd < 0 || bind(fd, (struct sockaddr *)&self, sizeof(self)) < 0)
		return img_fail_sys(err, "rtnetlink");
	return steal_fd(&fd);
}

/* What the kernel says about it; "": nothing. */
static const char *why(const struct nlmsghdr *msg)
{
	const struct rtattr *at[NLMSGERR_ATTR_MAX + 1];
	const char *data = (const char *)NLMSG_DATA(msg) + sizeof(struct nlmsgerr);

	if (!(msg->nlmsg_flags & NLM_F_ACK_TLVS) || !(msg->nlmsg_flags & NLM_F_CAPPED) ||
		!kern_attrs(data, msg->nlmsg_len - NLMSG_LENGTH(sizeof(struct nlmsgerr)), at, ARRAY_SIZE(at), NULL))
		return "";
	return kern_attr_text(at[NLMSGERR_ATTR_MSG]);
}

static int failure(const struct nlmsghdr *msg, struct img_err *err)
{
	const struct nlmsgerr *e = NLMSG_DATA(msg);

	if (msg->nlmsg_len < NLMSG_LENGTH(sizeof(*e)))
		return img_fail(err, IMG_SYS, "rtnetlink: an answer that is cut");
	if (!e->error)
		return 0;
	errno = -e->error;
	return *why(msg) ? img_fail_sys(err, "rtnetlink: %s", why(msg)) : img_fail_sys(err, "rtnetlink");
}

int kern_rtnl_dump(int fd, int request, int family, unsigned flags, int (*each)(void *arg, const struct nlmsghdr *msg, struct img_err *err),
	void *arg, struct img_err *err)
{
	struct {
		struct nlmsghdr head;
		union {
			struct rtgenmsg gen;
			struct rtmsg rt; /* the longest of what the requests begin with, zeros */
			struct ifinfomsg link;
			struct ndmsg neighbour;
			struct tcmsg tc;
			struct nhmsg nexthop;
		};
	} ask = { .head = { .nlmsg_len = sizeof(ask), .nlmsg_type = (uint16_t)request,
			  .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP, .nlmsg_seq = 1 } };
	cleanup_free char *buf = malloc(ANSWER_ROOM);

	if (!buf)
		return img_fail_nomem(err);
	ask.gen.rtgen_family = (unsigned char)family;
	/* Most take more than they need. */
	ask.head.nlmsg_len = NLMSG_LENGTH(request == RTM_GETQDISC	 ? sizeof(ask.tc)
					  : request == RTM_GETNEXTHOP ? sizeof(ask.nexthop)
								      : sizeof(ask.link));
	if (request == RTM_GETNEIGH)
		ask.neighbour.ndm_flags = (uint8_t)flags;
	if (send(fd, &ask, sizeof(ask), 0) < 0)
		return img_fail_sys(err, "rtnetlink: ask");
	for (;;) {
		ssize_t got = recv(fd, buf, ANSWER_ROOM, 0);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return img_fail_sys(err, "rtnetlink: answer");
		for (const struct nlmsghdr *m = (void *)buf; NLMSG_OK(m, (size_t)got); m = NLMSG_NEXT(m, got)) {
			if (m->nlmsg_flags & NLM_F_DUMP_INTR)
				return img_fail(err, IMG_SYS, "rtnetlink: the list changed while it was read");
			if (m->nlmsg_type == NLMSG_DONE)
				return 0;
			if (m->nlmsg_type == NLMSG_ERROR)
				return failure(m, err);
			if (each(arg, m, err) < 0)
				return -1;
		}
	}
}

int kern_rtnl_ask(int fd, struct nlmsghdr *msg, void *answer, size_t size, struct img_err *err)
{
	char buf[16384] __attribute__((aligned(8)));

	msg->nlmsg_flags |= NLM_F_REQUEST | NLM_F_ACK;
	msg->nlmsg_seq = 1;
	msg->nlmsg_pid = 0;
	if (send(fd, msg, msg->nlmsg_len, 0) < 0)
		return img_fail_sys(err, "rtnetlink: ask");
	for (;;) {
		ssize_t got = recv(fd, buf, sizeof(buf), 0);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return img_fail_sys(err, "rtnetlink: answer");
		for (const struct nlmsghdr *m = (void *)buf; NLMSG_OK(m, (size_t)got); m = NLMSG_NEXT(m, got)) {
			if (m->nlmsg_type == NLMSG_ERROR)
				return failure(m, err);
			if (m->nlmsg_len <= size)
				memcpy(answer, m, m->nlmsg_len);
			else if (size)
				return img_fail(err, IMG_SYS, "rtnetlink: an answer of %u bytes", m->nlmsg_len);
		}
	}
}

int kern_rtnl_request(int fd, struct nlmsghdr *msg, struct img_err *err)
{
	return kern_rtnl_ask(fd, msg, NULL, 0, err);
}

const struct nlmsghdr *kern_rtnl_next(const void *data, size_t len, size_t *at)
{
	const struct nlmsghdr *m = (const void *)((const char *)data + *at);

	if (len - *at < sizeof(*m) || m->nlmsg_len < sizeof(*m) || m->nlmsg_len > len - *at)
		return NULL;
	*at += NLMSG_ALIGN(m->nlmsg_len);
	if (*at > len)
		*at = len;
	return m;
}
