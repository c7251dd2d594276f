/* kernel/conntrack.c -- what the kernel lists is what it takes: only counters, ids and uses are left out by it. */

#include "kernel/conntrack.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>

#include "criuimg/cleanup.h"
#include "kernel/rtnl.h"

enum {
	ANSWER_ROOM = 64 << 10,
};

int kern_conntrack_open(struct img_err *err)
{
	cleanup_fd int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_NETFILTER);
	struct sockaddr_nl self = { .nl_family = AF_NETLINK };

	if (fd < 0 || bind(fd, (struct sockaddr *)&self, sizeof(self)) < 0)
		return img_fail_sys(err, "nfnetlink");
	return steal_fd(&fd);
}

static int type_of(bool expectations, int message)
{
	return (expectations ? NFNL_SUBSYS_CTNETLINK_EXP : NFNL_SUBSYS_CTNETLINK) << 8 | message;
}

/* 0: go on; 1: it was the last one; -1. */
static int take(const struct nlmsghdr *m, int (*each)(void *arg, const struct nlmsghdr *msg, struct img_err *err), void *arg,
	struct img_err *err)
{
	const struct nlmsgerr *e = NLMSG_DATA(m);

	if (m->nlmsg_type == NLMSG_DONE)
		return 1;
	if (m->nlmsg_type != NLMSG_ERROR)
		return each(arg, m, err);
	/* No such table: the kernel, or this namespace, has no connection tracking. */
	if (m->nlmsg_len < NLMSG_LENGTH(sizeof(*e)) || e->error == -EINVAL || e->error == -EOPNOTSUPP)
		return 1;
	errno = -e->error;
	return img_fail_sys(err, "nfnetlink");
}

int kern_conntrack_dump(int fd, bool expectations, int (*each)(void *arg, const struct nlmsghdr *msg, struct img_err *err), void *arg,
	struct img_err *err)
{
	struct {
		struct nlmsghdr head;
		struct nfgenmsg gen;
	} ask = { .head = { .nlmsg_len = sizeof(ask), .nlmsg_type = (uint16_t)type_of(expectations, IPCTNL_MSG_CT_GET),
			  .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP, .nlmsg_seq = 1 } };
	cleanup_free char *buf = malloc(ANSWER_ROOM);

	if (!buf)
		return img_fail_nomem(err);
	if (send(fd, &ask, sizeof(ask), 0) < 0)
		return img_fail_sys(err, "nfnetlink: ask");
	for (;;) {
		ssize_t got = recv(fd, buf, ANSWER_ROOM, 0);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return img_fail_sys(err, "nfnetlink: answer");
		for (const struct nlmsghdr *m = (void *)buf; NLMSG_OK(m, (size_t)got); m = NLMSG_NEXT(m, got)) {
			int ret = take(m, each, arg, err);

			if (ret)
				return ret < 0 ? -1 : 0;
		}
	}
}

bool kern_conntrack_is(const struct nlmsghdr *msg, bool *expectation)
{
	*expectation = msg->nlmsg_type == type_of(true, IPCTNL_MSG_EXP_NEW);
	return (*expectation || msg->nlmsg_type == type_of(false, IPCTNL_MSG_CT_NEW)) &&
	       msg->nlmsg_len >= NLMSG_LENGTH(sizeof(struct nfgenmsg));
}

int kern_conntrack_enter(int fd, const struct nlmsghdr *msg, struct img_err *err)
{
	cleanup_free struct nlmsghdr *copy = malloc(msg->nlmsg_len);
	struct img_err why = IMG_ERR_INIT;

	if (!copy)
		return img_fail_nomem(err);
	memcpy(copy, msg, msg->nlmsg_len);
	copy->nlmsg_flags = NLM_F_CREATE | NLM_F_EXCL;
	if (kern_rtnl_request(fd, copy, &why) == 0 || why.sys_errno == EEXIST)
		return 0;
	*err = why;
	return -1;
}
