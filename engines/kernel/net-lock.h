/* engines/kernel/net-lock.h -- no packet of some TCP connections goes in or out, by rules of iptables(8) or nft(8).
 *
 * Between a dump and a restore nobody may answer the peers: a segment for a port without a socket is answered by a reset.
 * Packets with the mark KERN_NET_LOCK_MARK pass: a restore uses it to put back a FIN that had come.
 *
 * The rules are those of CRIU 4.2, so that either may take away what the other has put there:
 *	iptables	for each connection one rule in INPUT and one in OUTPUT of the table filter
 *	nftables	a table "inet CRIU-<the first 21 characters of inventory_entry.dump_criu_run_id>" with a set of connections
 * The programs run in the network namespace of the caller.
 */
#ifndef ENGINES_KERNEL_NET_LOCK_H
#define ENGINES_KERNEL_NET_LOCK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "criuimg/err.h"

#define KERN_NET_LOCK_MARK 0xC114u

/* inventory_entry.network_lock_method */
enum kern_net_lock_method {
	KERN_NET_LOCK_IPTABLES,
	KERN_NET_LOCK_NFTABLES,
	KERN_NET_LOCK_SKIP,
};

/* By the name that the command line has; NULL: iptables. Another one is IMG_USAGE. */
int kern_net_lock_method(const char *name, uint32_t *method, struct img_err *err);

/* As one of its ends sees it. An IPv4 connection of an IPv6 socket has family AF_INET. */
struct kern_connection {
	int family;	       /* AF_INET, AF_INET6 */
	uint8_t src[16], dst[16]; /* struct in_addr or in6_addr */
	uint16_t sport, dport; /* host byte order */
};

struct kern_net_lock {
	enum kern_net_lock_method method;
	const char *run_id; /* for nftables; may be NULL otherwise */
};

/* From an address of getsockname(2) and one of getpeername(2); IPv4-mapped ones become IPv4. */
struct sockaddr_storage;
int kern_connection_of(const struct sockaddr_storage *src, const struct sockaddr_storage *dst, struct kern_connection *c,
	struct img_err *err);

/* Lock nr connections, in one go: all or none. Returns 0 when all of them were locked before, 1 when some were not, -1. */
int kern_net_lock(const struct kern_net_lock *lock, const struct kern_connection *c, size_t nr, struct img_err *err);
/* Unlock those of them that are locked; the others do not matter. */
int kern_net_unlock(const struct kern_net_lock *lock, const struct kern_connection *c, size_t nr, struct img_err *err);

/* The same for a whole network namespace, that of the caller: but for what has the mark, no packet comes in or goes out. As CRIU 4.2 does:
 *	iptables	INPUT and OUTPUT of the table filter begin with a jump to a chain called CRIU, for IPv4 and IPv6
 *	nftables	the table named as above has chains that drop
 * *made: the tables of iptables that were not there before; for kern_netns_unlock(), which takes them away again. 0 where that is
 * not known. Nothing is done where it is locked already, or not locked. */
int kern_netns_lock(const struct kern_net_lock *lock, unsigned *made, struct img_err *err);
int kern_netns_unlock(const struct kern_net_lock *lock, unsigned made, struct img_err *err);

#endif
