/* engines/kernel/packet-diag.c -- one request, an answer for each socket. */

#include "kernel/packet-diag.h"

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <netlink/attr.h>

#include "criuimg/array.h"
#include "kernel/sock-diag.h"

/* A part of fixed size; false: it is not there. */
static bool part(struct nlattr *attr, void *out, size_t size)
{
	if (!attr || (size_t)nla_len(attr) < size)
		return false;
	memcpy(out, nla_data(attr), size);
	return true;
}

static int take_socket(void *arg, const void *head, struct nlattr *const *attrs, struct img_err *err)
{
	struct kern_packet_sockets *out = arg;
	const struct packet_diag_msg *diag = head;
	struct nlattr *list = attrs[PACKET_DIAG_MCLIST];
	struct kern_packet_socket *s = img_array_more(&out->items, out->nr, &out->room);

	if (!s)
		return img_fail_nomem(err);
	out->nr++;
	*s = (struct kern_packet_socket){ .ino = diag->pdiag_ino, .protocol = diag->pdiag_num };
	if (!part(attrs[PACKET_DIAG_INFO], &s->info, sizeof(s->info)))
		return img_fail(err, IMG_SYS, "sock_diag: says nothing of packet socket %u", s->ino);
	s->has_rx_ring = part(attrs[PACKET_DIAG_RX_RING], &s->rx_ring, sizeof(s->rx_ring));
	s->has_tx_ring = part(attrs[PACKET_DIAG_TX_RING], &s->tx_ring, sizeof(s->tx_ring));
	s->has_fanout = part(attrs[PACKET_DIAG_FANOUT], &s->fanout, sizeof(s->fanout));
	s->nr_memberships = list ? (size_t)nla_len(list) / sizeof(*s->memberships) : 0;
	if (!s->nr_memberships)
		return 0;
	s->memberships = calloc(s->nr_memberships, sizeof(*s->memberships));
	if (!s->memberships)
		return img_fail_nomem(err);
	memcpy(s->memberships, nla_data(list), s->nr_memberships * sizeof(*s->memberships));
	return 0;
}

static int compare(const void *va, const void *vb)
{
	const struct kern_packet_socket *a = va, *b = vb;

	return a->ino < b->ino ? -1 : a->ino > b->ino;
}

int kern_packet_sockets(struct kern_packet_sockets *out, struct img_err *err)
{
	const struct packet_diag_req req = {
		.sdiag_family = AF_PACKET,
		.pdiag_show = PACKET_SHOW_INFO | PACKET_SHOW_MCLIST | PACKET_SHOW_RING_CFG | PACKET_SHOW_FANOUT,
	};
	const struct kern_diag_query query = {
		.what = "packet sockets",
		.request = &req,
		.request_size = sizeof(req),
		.head_size = sizeof(struct packet_diag_msg),
		.max_attr = PACKET_DIAG_MAX,
	};

	*out = (struct kern_packet_sockets){ 0 };
	if (kern_sock_diag(&query, take_socket, out, err) < 0) {
		kern_packet_sockets_free(out);
		return -1;
	}
	if (out->nr)
		qsort(out->items, out->nr, sizeof(*out->items), compare);
	return 0;
}

const struct kern_packet_socket *kern_packet_socket_find(const struct kern_packet_sockets *all, uint64_t ino)
{
	struct kern_packet_socket seek = { .ino = (uint32_t)ino };

	return all->nr && ino <= UINT32_MAX ? bsearch(&seek, all->items, all->nr, sizeof(seek), compare) : NULL;
}

void kern_packet_sockets_free(struct kern_packet_sockets *all)
{
	for (size_t i = 0; i < all->nr; i++)
		free(all->items[i].memberships);
	free(all->items);
	*all = (struct kern_packet_sockets){ 0 };
}
