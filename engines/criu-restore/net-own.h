/* engines/criu-restore/net-own.h -- the network namespaces of the images, for the restore half of engines/ns/netdev and who needs to know of
 * devices. */
#ifndef CRIU_RESTORE_NET_OWN_H
#define CRIU_RESTORE_NET_OWN_H

#include <stdbool.h>
#include <stdint.h>

#include "criu-restore/restore.h"
#include "kernel/rtnl-msg.h"
#include "netdev.pb-c.h"

/* A network namespace with its devices, ascending by index. In memory as long as the run. */
struct net_space {
	uint32_t id;
	NetnsEntry *settings;
	NetDeviceEntry **devices;
	size_t nr, room;
};

/* What the front did to the host for the tree's sake: a device made, or one taken from there. */
struct net_effect {
	char name[16];	 /* as it is called on the host */
	uint32_t index;	 /* there; 0: not made yet */
	uint32_t inside; /* moved: its index in the namespace */
	bool moved;	 /* taken: it goes back, as it was. Else it was made: it goes. */
	bool up;
	uint32_t mtu;
	uint8_t address[32];
	size_t address_len;
};

struct restore_net {
	struct net_space *spaces;
	size_t nr, room;
	struct net_effect *effects;
	size_t nr_effects, room_effects;
	int inside;	/* the root's network namespace, while it is needed to undo; -1 */
};

/* plan-restore.c */
int net_plan(struct restore *r, uint32_t id, struct img_err *err);
struct net_space *net_space_find(const struct restore *r, uint32_t id);
NetDeviceEntry *net_device_find(const struct net_space *space, uint32_t ifindex);
const NetDeviceEntry *net_device_named(const struct net_space *space, const char *name);
/* The space that its peer or lower device is in; NULL: none of the tree. */
struct net_space *net_peer_space(const struct restore *r, const struct net_space *space, const NetDeviceEntry *e);
/* A veth whose other end is in no namespace of the tree, or one that is said to come from outside. */
bool net_is_outside(const struct restore *r, const struct net_space *space, const NetDeviceEntry *e);

/* settings-restore.c: inside the namespace. */
int net_settings_of_namespace(struct restore *r, const NetnsEntry *e, struct img_err *err);
int net_settings_of_device(struct restore *r, const NetDeviceEntry *e, struct img_err *err);
/* Those that coming up has changed. */
int net_settings_again(struct restore *r, const NetDeviceEntry *e, struct img_err *err);

/* link-restore.c: parts of requests. */

/* IFLA_INFO_KIND of the record; NULL: it has none (lo, a device from outside). */
const char *net_link_kind(const NetDeviceEntry *e);
/* What a new device is called and made of: name, address, MTU, queues, what is below it, IFLA_LINKINFO. lower: index of the device below as
 * the namespace of the socket has it, 0: none. */
void net_link_put(struct kern_msg *m, const NetDeviceEntry *e, uint32_t lower);
/* IFLA_LINKINFO of a veth whose other end is peer, in namespace fd (-1: this one). */
void net_link_put_pair(struct kern_msg *m, const NetDeviceEntry *peer, int fd);
/* Name, address, MTU and queues alone. */
void net_link_put_own(struct kern_msg *m, const NetDeviceEntry *e);
/* When it is there: master, options, flags, in this order. fd: a socket of its namespace. */
int net_link_settle(struct restore *r, int fd, const NetDeviceEntry *e, struct img_err *err);

/* outside-restore.c: the front. Devices that connect the root's namespace with the host, and what becomes of them after a failure. */
int net_outside_make(struct restore *r, const struct net_space *space, struct img_err *err);
int restore_net_undo(struct restore *r, struct img_err *err);

/* sit-restore.c: IFLA_INFO_DATA of a tunnel. */
void net_sit_put(struct kern_msg *m, const SitEntry *e);

/* tun-link-restore.c: a device, persistent for now; whoever attaches to it as in the images makes it what it was. */
int net_tun_make(struct restore *r, const NetDeviceEntry *e, struct img_err *err);

#endif
