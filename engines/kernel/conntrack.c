/* kernel/conntrack.c -- what the kernel lists is what it takes, but for connections that are translated. Counters and ids it leaves out. */

#include "kernel/conntrack.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <arpa/inet.h>
#include <sys/socket.h>
#include <linux/netfilter/nf_conntrack_common.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>

#include "criuimg/array.h"
#include "criuimg/cleanup.h"
#include "kernel/rtnl-msg.h"
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

/* ---- a connection whose addresses are translated ----
 *
 * The kernel shows what replies look like, translated; to enter it it wants what they would be without, and the translation (CTA_NAT_SRC,
 * CTA_NAT_DST): nf_conntrack_netlink.c, ctnetlink_setup_nat().
 */

struct tuple {
	const struct rtattr *ip[CTA_IP_MAX + 1], *proto[CTA_PROTO_MAX + 1];
};

static bool read_tuple(const struct rtattr *a, struct tuple *t)
{
	const struct rtattr *at[CTA_TUPLE_MAX + 1];

	return a && kern_attrs(RTA_DATA(a), RTA_PAYLOAD(a), at, ARRAY_SIZE(at), NULL) && at[CTA_TUPLE_IP] && at[CTA_TUPLE_PROTO] &&
	       kern_attrs(RTA_DATA(at[CTA_TUPLE_IP]), RTA_PAYLOAD(at[CTA_TUPLE_IP]), t->ip, ARRAY_SIZE(t->ip), NULL) &&
	       kern_attrs(RTA_DATA(at[CTA_TUPLE_PROTO]), RTA_PAYLOAD(at[CTA_TUPLE_PROTO]), t->proto, ARRAY_SIZE(t->proto), NULL);
}

static void put_as(struct kern_msg *m, int type, const struct rtattr *a)
{
	if (a)
		kern_msg_put(m, type, RTA_DATA(a), RTA_PAYLOAD(a));
}

/* The other direction of a tuple. */
static void put_inverse(struct kern_msg *m, int type, const struct tuple *t)
{
	size_t tuple = kern_msg_nest(m, type), inner = kern_msg_nest(m, CTA_TUPLE_IP);

	put_as(m, CTA_IP_V4_SRC, t->ip[CTA_IP_V4_DST]);
	put_as(m, CTA_IP_V4_DST, t->ip[CTA_IP_V4_SRC]);
	put_as(m, CTA_IP_V6_SRC, t->ip[CTA_IP_V6_DST]);
	put_as(m, CTA_IP_V6_DST, t->ip[CTA_IP_V6_SRC]);
	kern_msg_end(m, inner);
	inner = kern_msg_nest(m, CTA_TUPLE_PROTO);
	put_as(m, CTA_PROTO_NUM, t->proto[CTA_PROTO_NUM]);
	put_as(m, CTA_PROTO_SRC_PORT, t->proto[CTA_PROTO_DST_PORT]);
	put_as(m, CTA_PROTO_DST_PORT, t->proto[CTA_PROTO_SRC_PORT]);
	kern_msg_end(m, inner);
	kern_msg_end(m, tuple);
}

/* Its source becomes the destination of replies, and the reverse. */
static void put_translation(struct kern_msg *m, int type, const struct tuple *reply, bool source)
{
	size_t nat = kern_msg_nest(m, type), port;

	put_as(m, CTA_NAT_V4_MINIP, reply->ip[source ? CTA_IP_V4_DST : CTA_IP_V4_SRC]);
	put_as(m, CTA_NAT_V6_MINIP, reply->ip[source ? CTA_IP_V6_DST : CTA_IP_V6_SRC]);
	port = kern_msg_nest(m, CTA_NAT_PROTO);
	put_as(m, CTA_PROTONAT_PORT_MIN, reply->proto[source ? CTA_PROTO_DST_PORT : CTA_PROTO_SRC_PORT]);
	put_as(m, CTA_PROTONAT_PORT_MAX, reply->proto[source ? CTA_PROTO_DST_PORT : CTA_PROTO_SRC_PORT]);
	kern_msg_end(m, port);
	kern_msg_end(m, nat);
}

/* 1: put together in m; 0: there is nothing to be done about it; -1: we cannot, without ports (ICMP). */
static int translated(struct kern_msg *m, const struct nlmsghdr *msg)
{
	const struct nfgenmsg *gen = NLMSG_DATA(msg);
	const char *attrs = (const char *)gen + NLMSG_ALIGN(sizeof(*gen));
	size_t len = NLMSG_PAYLOAD(msg, sizeof(*gen));
	const struct rtattr *at[CTA_MAX + 1];
	struct tuple orig, reply;
	uint32_t status;
	int left = (int)len;

	if (msg->nlmsg_type != type_of(false, IPCTNL_MSG_CT_NEW) || !kern_attrs(attrs, len, at, ARRAY_SIZE(at), NULL))
		return 0;
	status = ntohl(kern_attr_u32(at[CTA_STATUS]));
	if (!(status & IPS_NAT_MASK) || !read_tuple(at[CTA_TUPLE_ORIG], &orig) || !read_tuple(at[CTA_TUPLE_REPLY], &reply))
		return 0;
	if (!orig.proto[CTA_PROTO_SRC_PORT] || !reply.proto[CTA_PROTO_SRC_PORT])
		return -1;
	kern_msg_begin(m, msg->nlmsg_type, NLM_F_CREATE | NLM_F_EXCL, gen, sizeof(*gen));
	for (const struct rtattr *a = (const void *)attrs; RTA_OK(a, left); a = RTA_NEXT(a, left))
		if ((a->rta_type & NLA_TYPE_MASK) != CTA_TUPLE_REPLY)
			kern_msg_put(m, a->rta_type, RTA_DATA(a), RTA_PAYLOAD(a));
	put_inverse(m, CTA_TUPLE_REPLY, &orig);
	if (status & IPS_SRC_NAT)
		put_translation(m, CTA_NAT_SRC, &reply, true);
	if (status & IPS_DST_NAT)
		put_translation(m, CTA_NAT_DST, &reply, false);
	return 1;
}

int kern_conntrack_enter(int fd, const struct nlmsghdr *msg, struct img_err *err)
{
	cleanup_msg struct kern_msg m = { 0 };
	struct img_err why = IMG_ERR_INIT;
	int ret = translated(&m, msg);

	if (ret <= 0) {
		kern_msg_begin(&m, msg->nlmsg_type, NLM_F_CREATE | NLM_F_EXCL, NLMSG_DATA(msg), sizeof(struct nfgenmsg));
		kern_msg_raw(&m, (const char *)NLMSG_DATA(msg) + NLMSG_ALIGN(sizeof(struct nfgenmsg)),
			NLMSG_PAYLOAD(msg, sizeof(struct nfgenmsg)));
	}
	if (kern_msg_send(&m, fd, &why) < 0 && why.sys_errno != EEXIST) {
		*err = why;
		return -1;
	}
	return ret < 0;
}
