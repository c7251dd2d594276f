/* engines/kernel/netlink-diag.h -- the netlink sockets of a network namespace: sock_diag(7), linux/netlink_diag.h. */
#ifndef ENGINES_KERNEL_NETLINK_DIAG_H
#define ENGINES_KERNEL_NETLINK_DIAG_H

#include <stddef.h>
#include <stdint.h>

#include "criuimg/err.h"

enum {
	KERN_NETLINK_GROUP_WORDS = 64, /* what we look at: 2048 groups; the kernel's families have fewer */
};

struct kern_netlink_socket {
	uint32_t ino;
	uint32_t portid;		  /* 0: not bound */
	uint32_t dst_portid, dst_group;	  /* what it is connected to */
	uint8_t protocol, state;	  /* NETLINK_*; 1 connected, 7 not */
	uint32_t nr_words;		  /* of groups */
	uint32_t groups[KERN_NETLINK_GROUP_WORDS]; /* bit n - 1 of all words together: group n */
};

struct kern_netlink_sockets {
	struct kern_netlink_socket *items; /* by ino, ascending */
	size_t nr, room;
};

/* All that are bound or connected, of the namespace that the caller is in. */
int kern_netlink_sockets(struct kern_netlink_sockets *out, struct img_err *err);
/* NULL: not listed. */
const struct kern_netlink_socket *kern_netlink_socket_find(const struct kern_netlink_sockets *all, uint64_t ino);
void kern_netlink_sockets_free(struct kern_netlink_sockets *all);

#endif
