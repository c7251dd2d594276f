/* engines/kernel/conntrack.h -- nfnetlink of connection tracking: the connections and expectations of the network namespace of the caller,
 * as messages of netlink(7). Facts: linux/netfilter/nfnetlink_conntrack.h, net/netfilter/nf_conntrack_netlink.c. */
#ifndef ENGINES_KERNEL_CONNTRACK_H
#define ENGINES_KERNEL_CONNTRACK_H

#include <stdbool.h>
#include <linux/netlink.h>

#include "criuimg/err.h"

/* A socket to ask with; -1 with IMG_SYS and EPROTONOSUPPORT where the kernel has no nfnetlink. */
int kern_conntrack_open(struct img_err *err);
/* List the connections, or the expectations. A kernel without them has none. As kern_rtnl_dump(). */
int kern_conntrack_dump(int fd, bool expectations, int (*each)(void *arg, const struct nlmsghdr *msg, struct img_err *err), void *arg,
	struct img_err *err);
/* Is it a message of such a list; of expectations? */
bool kern_conntrack_is(const struct nlmsghdr *msg, bool *expectation);
/* Enter one, a message of the lists. One that is there already is fine. 1: without its translation (ICMP). */
int kern_conntrack_enter(int fd, const struct nlmsghdr *msg, struct img_err *err);

#endif
