/* engines/kernel/igmp.h -- the multicast groups that devices listen to: /proc/net/igmp, /proc/net/igmp6.
 *
 * A socket does not tell which groups it is a member of; but of a group and a device it tells whether it is (MCAST_MSFILTER). These are
 * the questions to ask.
 */
#ifndef ENGINES_KERNEL_IGMP_H
#define ENGINES_KERNEL_IGMP_H

#include <net/if.h>
#include <stddef.h>
#include <stdint.h>

#include "criuimg/err.h"

struct kern_group {
	int family;	   /* AF_INET, AF_INET6 */
	uint32_t ifindex;
	char ifname[IF_NAMESIZE];
	uint8_t group[16]; /* struct in_addr or in6_addr */
};

struct kern_groups {
	struct kern_group *items;
	size_t nr, room;
};

/* Of the network namespace that the calling thread is in. */
int kern_groups_read(struct kern_groups *out, struct img_err *err);
void kern_groups_free(struct kern_groups *groups);

#endif
