/* engines/kernel/inet-diag.c -- a request for each family and protocol, an answer for each socket. */

#include "kernel/inet-diag.h"

#include <stdlib.h>
#include <string.h>
#include <netinet/in.h>
#include <arpa/inet.h>
#include <linux/inet_diag.h>
#include <netlink/attr.h>

#include "criuimg/array.h"
#include "kernel/sock-diag.h"

#ifndef IPPROTO_UDPLITE
#define IPPROTO_UDPLITE 136
#endif

struct reading {
	struct kern_inet_sockets *out;
	uint8_t protocol;
};

static int take_socket(void *arg, const void *head, struct nlattr *const *attrs, struct img_err *err)
{
	struct reading *rd = arg;
	const struct inet_diag_msg *diag = head;
	struct kern_inet_socket *s;

	if (!diag->idiag_inode) /* nobody has it open */
		return 0;
	s = img_array_more(&rd->out->items, rd->out->nr, &rd->out->room);
	if (!s)
		return img_fail_nomem(err);
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
	s->md5 = attrs[INET_DIAG_MD5SIG] != NULL;
	return 0;
}

static int compare(const void *va, const void *vb)
{
	const struct kern_inet_socket *a = va, *b = vb;

	return a->ino < b->ino ? -1 : a->ino > b->ino;
}

static int ask(struct kern_inet_sockets *out, uint8_t family, uint8_t protocol, struct img_err *err)
{
	/* Keys come with the information. */
	const uint8_t more = protocol == IPPROTO_TCP ? 1u << (INET_DIAG_INFO - 1) : 0;
	const struct inet_diag_req_v2 req = { .sdiag_family = family, .sdiag_protocol = protocol, .idiag_ext = more, .idiag_states = ~0u };
	const struct kern_diag_query query = {
		.what = family == AF_INET ? "IPv4 sockets" : "IPv6 sockets",
		.request = &req,
		.request_size = sizeof(req),
		.head_size = sizeof(struct inet_diag_msg),
		.max_attr = INET_DIAG_MAX,
	};

	return kern_sock_diag(&query, take_socket, &(struct reading){ out, protocol }, err);
}

int kern_inet_sockets(struct kern_inet_sockets *out, struct img_err *err)
{
	static const uint8_t protocols[] = { IPPROTO_TCP, IPPROTO_UDP, IPPROTO_UDPLITE, IPPROTO_RAW };

	*out = (struct kern_inet_sockets){ 0 };
	for (size_t i = 0; i < ARRAY_SIZE(protocols); i++)
		if (ask(out, AF_INET, protocols[i], err) < 0 || ask(out, AF_INET6, protocols[i], err) < 0) {
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
