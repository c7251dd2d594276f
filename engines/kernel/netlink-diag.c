/* engines/kernel/netlink-diag.c -- one request, an answer for each socket. */

#include "kernel/netlink-diag.h"

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <linux/netlink_diag.h>
#include <netlink/attr.h>

#include "criuimg/array.h"
#include "kernel/sock-diag.h"

static int take_socket(void *arg, const void *head, struct nlattr *const *attrs, struct img_err *err)
{
	struct kern_netlink_sockets *out = arg;
	const struct netlink_diag_msg *diag = head;
	struct kern_netlink_socket *s;

	if (!diag->ndiag_ino) /* the kernel's own */
		return 0;
	s = img_array_more(&out->items, out->nr, &out->room);
	if (!s)
		return img_fail_nomem(err);
	out->nr++;
	*s = (struct kern_netlink_socket){
		.ino = diag->ndiag_ino,
		.portid = diag->ndiag_portid,
		.dst_portid = diag->ndiag_dst_portid,
		.dst_group = diag->ndiag_dst_group,
		.protocol = diag->ndiag_protocol,
		.state = diag->ndiag_state,
	};
	if (attrs[NETLINK_DIAG_GROUPS]) {
		size_t size = (size_t)nla_len(attrs[NETLINK_DIAG_GROUPS]);

		if (size > sizeof(s->groups))
			return img_fail(err, IMG_UNSUPPORTED, "a netlink socket with %zu groups is not supported", size * 8);
		memcpy(s->groups, nla_data(attrs[NETLINK_DIAG_GROUPS]), size);
		s->nr_words = (uint32_t)(size / sizeof(s->groups[0]));
	}
	return 0;
}

static int compare(const void *va, const void *vb)
{
	const struct kern_netlink_socket *a = va, *b = vb;

	return a->ino < b->ino ? -1 : a->ino > b->ino;
}

int kern_netlink_sockets(struct kern_netlink_sockets *out, struct img_err *err)
{
	const struct netlink_diag_req req = {
		.sdiag_family = AF_NETLINK,
		.sdiag_protocol = NDIAG_PROTO_ALL,
		.ndiag_show = NDIAG_SHOW_GROUPS,
	};
	const struct kern_diag_query query = {
		.what = "netlink sockets",
		.request = &req,
		.request_size = sizeof(req),
		.head_size = sizeof(struct netlink_diag_msg),
		.max_attr = NETLINK_DIAG_MAX,
	};

	*out = (struct kern_netlink_sockets){ 0 };
	if (kern_sock_diag(&query, take_socket, out, err) < 0) {
		kern_netlink_sockets_free(out);
		return -1;
	}
	if (out->nr)
		qsort(out->items, out->nr, sizeof(*out->items), compare);
	return 0;
}

const struct kern_netlink_socket *kern_netlink_socket_find(const struct kern_netlink_sockets *all, uint64_t ino)
{
	struct kern_netlink_socket seek = { .ino = (uint32_t)ino };

	return all->nr && ino <= UINT32_MAX ? bsearch(&seek, all->items, all->nr, sizeof(seek), compare) : NULL;
}

void kern_netlink_sockets_free(struct kern_netlink_sockets *all)
{
	free(all->items);
	*all = (struct kern_netlink_sockets){ 0 };
}
