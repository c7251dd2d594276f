/* engines/kernel/inet-diag.c -- a request for each family and protocol, an answer for each socket. */

#include "kernel/inet-diag.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <netinet/in.h>
#include <arpa/inet.h>
#include <linux/inet_diag.h>
#include <linux/sock_diag.h>
#include <netlink/errno.h>
#include <netlink/msg.h>
#include <netlink/netlink.h>

#include "criuimg/array.h"

#ifndef IPPROTO_UDPLITE
#define IPPROTO_UDPLITE 136
#endif

struct reading {
	struct kern_inet_sockets *out;
	uint8_t protocol;
	bool nomem;
};

static int take_socket(struct nl_msg *msg, void *arg)
{
	struct reading *rd = arg;
	struct nlmsghdr *head = nlmsg_hdr(msg);
	const struct inet_diag_msg *diag = nlmsg_data(head);
	struct nlattr *attrs[INET_DIAG_MAX + 1];
	struct kern_inet_socket *s;

	if (head->nlmsg_type != SOCK_DIAG_BY_FAMILY || nlmsg_datalen(head) < (int)sizeof(*diag) ||
	    nlmsg_parse(head, sizeof(*diag), attrs, INET_DIAG_MAX, NULL) < 0 || !diag->idiag_inode)
		return NL_SKIP; /* without an inode nobody has it open */
	s = img_array_more(&rd->out->items, rd->out->nr, &rd->out->room);
	if (!s) {
		rd->nomem = true;
		return NL_STOP;
	}
	rd->out->nr++;
	*s = (struct kern_inet_socket){
		.ino = diag->idiag_inode,
		.rqueue = diag->idiag_rqueue,
		.wqueue = diag->idiag_wqueue,
		.ifindex = diag->id.idiag_if,
		.sport = ntohs(diag->id.idiag_sport),
		.dport = ntohs(diag->id.idiag_dport),
		.protocol = rd->protocol,
		.state = diag->idiag_state,
	};
	memcpy(s->dst, diag->id.idiag_dst, sizeof(s->dst));
	if (attrs[INET_DIAG_SHUTDOWN] && nla_len(attrs[INET_DIAG_SHUTDOWN]) >= 1)
		s->shutdown = nla_get_u8(attrs[INET_DIAG_SHUTDOWN]);
	return NL_OK;
}

static int compare(const void *va, const void *vb)
{
	const struct kern_inet_socket *a = va, *b = vb;

	return a->ino < b->ino ? -1 : a->ino > b->ino;
}

static int ask(struct nl_sock *sk, struct reading *rd, int family, struct img_err *err)
{
	struct inet_diag_req_v2 req = {
		.sdiag_family = (uint8_t)family,
		.sdiag_protocol = rd->protocol,
		.idiag_states = ~0u,
	};
	int ret = nl_send_simple(sk, SOCK_DIAG_BY_FAMILY, NLM_F_DUMP, &req, sizeof(req));

	if (ret >= 0)
		ret = nl_recvmsgs_default(sk);
	if (rd->nomem)
		return img_fail_nomem(err);
	if (ret < 0 && ret != -NLE_OBJ_NOTFOUND && ret != -NLE_PROTO_MISMATCH)
		return img_fail(err, IMG_SYS, "sock_diag: list the sockets of family %d, protocol %d: %s", family, rd->protocol,
			nl_geterror(ret));
	return 0;
}

int kern_inet_sockets(struct kern_inet_sockets *out, struct img_err *err)
{
	static const uint8_t protocols[] = { IPPROTO_TCP, IPPROTO_UDP, IPPROTO_UDPLITE, IPPROTO_RAW };
	struct reading rd = { .out = out };
	struct nl_sock *sk = nl_socket_alloc();
	int ret;

	*out = (struct kern_inet_sockets){ 0 };
	if (!sk)
		return img_fail_nomem(err);
	nl_socket_modify_cb(sk, NL_CB_VALID, NL_CB_CUSTOM, take_socket, &rd);
	ret = nl_connect(sk, NETLINK_SOCK_DIAG);
	if (ret < 0)
		img_fail(err, IMG_SYS, "sock_diag: connect: %s", nl_geterror(ret));
	for (size_t i = 0; ret >= 0 && i < ARRAY_SIZE(protocols); i++) {
		rd.protocol = protocols[i];
		ret = ask(sk, &rd, AF_INET, err);
		if (ret >= 0)
			ret = ask(sk, &rd, AF_INET6, err);
	}
	nl_socket_free(sk);
	if (ret < 0) {
		kern_inet_sockets_free(out);
		return -1;
	}
	if (out->nr)
		qsort(out->items, out->nr, sizeof(*out->items), compare);
	return 0;
}

const struct kern_inet_socket *kern_inet_socket_find(const struct kern_inet_sockets *all, uint64_t ino)
{
	struct kern_inet_socket seek = { .ino = (uint32_t)ino };

	return all->nr && ino <= UINT32_MAX ? bsearch(&seek, all->items, all->nr, sizeof(seek), compare) : NULL;
}

void kern_inet_sockets_free(struct kern_inet_sockets *all)
{
	free(all->items);
	*all = (struct kern_inet_sockets){ 0 };
}
