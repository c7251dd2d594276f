/* engines/kernel/inet-diag.h -- the IPv4 and IPv6 sockets of a network namespace: sock_diag(7), linux/inet_diag.h.
 *
 * The kernel lists the sockets that packets can find: those with a port. A socket that was never bound, or is closed, is not
 * among them.
 */
#ifndef ENGINES_KERNEL_INET_DIAG_H
#define ENGINES_KERNEL_INET_DIAG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "criuimg/err.h"

struct kern_inet_socket {
	uint32_t ino;
	uint32_t rqueue;   /* bytes to be read; of other protocols than TCP as they are accounted for; of a listening socket connections */
	uint32_t wqueue;   /* bytes sent and not confirmed; of a listening socket the backlog */
	uint32_t ifindex;  /* of the device it is bound to; 0: none */
	uint16_t sport, dport; /* host byte order; 0: none */
	uint8_t dst[16];       /* address of the peer: struct in_addr or in6_addr */
	uint8_t protocol;  /* IPPROTO_* that was asked for: IPPROTO_RAW stands for all raw sockets */
	uint8_t state;	   /* TCP_* of netinet/tcp.h */
	uint8_t shutdown;  /* bit 0: reading, bit 1: writing */
	bool md5;	   /* TCP: it has keys (TCP_MD5SIG) */
};

struct kern_inet_sockets {
	struct kern_inet_socket *items; /* by ino, ascending */
	size_t nr, room;
};

/* All of them, of the namespace that the caller is in. A protocol that the kernel cannot list (no module) has none. */
int kern_inet_sockets(struct kern_inet_sockets *out, struct img_err *err);
/* NULL: not listed. */
const struct kern_inet_socket *kern_inet_socket_find(const struct kern_inet_sockets *all, uint64_t ino);
void kern_inet_sockets_free(struct kern_inet_sockets *all);

#endif
