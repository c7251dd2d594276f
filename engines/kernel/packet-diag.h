/* engines/kernel/packet-diag.h -- the packet sockets of a network namespace: sock_diag(7), linux/packet_diag.h. */
#ifndef ENGINES_KERNEL_PACKET_DIAG_H
#define ENGINES_KERNEL_PACKET_DIAG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <linux/packet_diag.h>

#include "criuimg/err.h"

struct kern_packet_socket {
	uint32_t ino;
	uint16_t protocol; /* ETH_P_*, host byte order */
	struct packet_diag_info info;
	struct packet_diag_ring rx_ring, tx_ring;
	bool has_rx_ring, has_tx_ring, has_fanout;
	uint32_t fanout;
	struct packet_diag_mclist *memberships;
	size_t nr_memberships;
};

struct kern_packet_sockets {
	struct kern_packet_socket *items; /* by ino, ascending */
	size_t nr, room;
};

/* All of them, of the namespace that the caller is in. */
int kern_packet_sockets(struct kern_packet_sockets *out, struct img_err *err);
/* NULL: not listed. */
const struct kern_packet_socket *kern_packet_socket_find(const struct kern_packet_sockets *all, uint64_t ino);
void kern_packet_sockets_free(struct kern_packet_sockets *all);

#endif
