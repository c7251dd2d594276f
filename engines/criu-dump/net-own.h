/* engines/criu-dump/net-own.h -- what the files of the dump half of engines/ns/netdev share. */
#ifndef CRIU_DUMP_NET_OWN_H
#define CRIU_DUMP_NET_OWN_H

#include <stdint.h>
#include <linux/netlink.h>

#include "criu-dump/ns_ops.h"
#include "netdev.pb-c.h"

/* A name that the namespace we are in has for another one of the tree: `ip netns list-id`. */
struct net_name {
	int32_t nsid;
	uint32_t id; /* in the set */
};

struct net_names {
	struct net_name *items;
	size_t nr, room;
};

/* nsid-dump.c */
int net_names_read(struct dump *d, int rtnl, struct net_names *names, struct img_err *err);

/* settings-dump.c: what is below /proc/sys/net. Called inside the namespace. */
int net_settings_of_namespace(struct img_arena *arena, NetnsEntry *e, struct img_err *err);

/* Those that `default` has, to compare devices with; zero it first, free items at last. */
struct net_defaults {
	struct net_default {
		const char *dir; /* "ipv6/neigh" */
		const char *file, *value;
	} *items;
	size_t nr, room;
};
int net_settings_of_device(struct img_arena *arena, struct net_defaults *defaults, NetDeviceEntry *e, struct img_err *err);

/* link-dump.c */

/* The record of a link that the kernel has listed, in the arena; blockers are named. NULL: failed. names may be NULL in a mere check. */
NetDeviceEntry *net_link_record(struct dump *d, const struct dump_namespace *ns, const struct net_names *names, struct img_arena *arena,
	const struct nlmsghdr *msg, struct img_err *err);

/* refuse-dump.c: blockers besides those of devices. rtnl: a socket of the namespace. */
int net_refuse(struct dump *d, const struct dump_namespace *ns, int rtnl, struct img_err *err);

/* sit-dump.c: the record of a tunnel; data: its IFLA_INFO_DATA, by type. */
struct rtattr;
SitEntry *net_sit_record(struct img_arena *arena, const struct rtattr *const *data);

/* tun-link-dump.c: what only a file of a tun device tells. */
int net_tun_look(struct dump *d, const struct dump_namespace *ns, NetDeviceEntry *e, struct img_err *err);

#endif
