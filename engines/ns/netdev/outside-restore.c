/* engines/ns/netdev/outside-restore.c -- devices of the tree that are connected with the host. The front makes them, from the host's side,
 * as the options say, and takes them away again when the restore fails.
 *
 *	--external veth[IN]:OUT@BRIDGE	the end outside is called OUT and is a port of BRIDGE
 *	--external macvlan[IN]:DEV	the device below it is DEV
 *	--external netdev[IN]:DEV	it is DEV, which moves in
 *
 * One that no option names is left to scripts (setup-namespaces): they find the namespace empty of it.
 */

#include <errno.h>
#include <net/if.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <linux/if_link.h>

#include "criu-restore/namespaces.h"
#include "criu-restore/net-own.h"
#include "criuimg/array.h"
#include "criuimg/cleanup.h"
#include "kernel/rtnl.h"
#include "options/external.h"

/* ---- what was done ---- */

/* Before it is done: the way back is fine with a device that is not there. */
static struct net_effect *note(struct restore *r, const char *name, uint32_t index, bool moved, struct img_err *err)
{
	struct net_effect *e = img_array_more(&r->net->effects, r->net->nr_effects, &r->net->room_effects);

	if (!e) {
		img_fail_nomem(err);
		return NULL;
	}
	snprintf(e->name, sizeof(e->name), "%s", name);
	e->index = index;
	e->moved = moved;
	r->net->nr_effects++;
	return e;
}

/* ---- the ways ---- */

struct host {
	struct restore *r;
	int fd;	    /* rtnetlink of the host */
	int inside; /* the root's network namespace */
};

static uint32_t host_index(const char *name, struct img_err *err)
{
	uint32_t index = if_nametoindex(name);

	if (!index)
		img_fail(err, IMG_UNSUPPORTED, "there is no device %s on this host", name);
	return index;
}

static int check_name(const char *name, struct img_err *err)
{
	if (*name && strlen(name) < IFNAMSIZ && !strchr(name, '/'))
		return 0;
	return img_fail(err, IMG_USAGE, "'%s' is no name of a device", name);
}

/* A port of a bridge of the host, and up, as it was while the tree ran. */
static int join_bridge(struct host *h, uint32_t index, const char *bridge, struct img_err *err)
{
	const struct ifinfomsg head = { .ifi_index = (int)index, .ifi_flags = IFF_UP, .ifi_change = IFF_UP };
	cleanup_msg struct kern_msg m = { 0 };
	uint32_t master = host_index(bridge, err);

	if (!master)
		return -1;
	kern_msg_begin(&m, RTM_NEWLINK, 0, &head, sizeof(head));
	kern_msg_u32(&m, IFLA_MASTER, master);
	return kern_msg_send(&m, h->fd, err) < 0 ? img_wrap(err, "into bridge %s", bridge) : 0;
}

/* The end inside is what is asked for, since the kernel gives an index to the other one only where it gives one to the first. */
static int make_veth(struct host *h, const NetDeviceEntry *e, const char *value, struct img_err *err)
{
	const struct ifinfomsg head = { .ifi_index = (int)e->ifindex };
	NetDeviceEntry outer = NET_DEVICE_ENTRY__INIT;
	cleanup_msg struct kern_msg m = { 0 };
	size_t len = strcspn(value, "@");
	struct net_effect *done;
	char name[64];

	snprintf(name, sizeof(name), "%.*s", (int)len, value);
	if (check_name(name, err) < 0)
		return -1;
	if (if_nametoindex(name))
		return img_fail(err, IMG_SYS, "there is a device %s on this host already", name);
	done = note(h->r, name, 0, false, err);
	if (!done)
		return -1;
	outer.name = name;
	outer.mtu = e->mtu;
	outer.has_tx_queues = e->has_tx_queues;
	outer.tx_queues = e->tx_queues;
	outer.has_rx_queues = e->has_rx_queues;
	outer.rx_queues = e->rx_queues;
	kern_msg_begin(&m, RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, &head, sizeof(head));
	kern_msg_u32(&m, IFLA_NET_NS_FD, (uint32_t)h->inside);
	net_link_put_own(&m, e);
	net_link_put_pair(&m, &outer, -1);
	if (kern_msg_send(&m, h->fd, err) < 0)
		return -1;
	done->index = host_index(name, err);
	if (!done->index)
		return -1;
	return value[len] ? join_bridge(h, done->index, value + len + 1, err) : 0;
}

/* It goes with its namespace. */
static int make_above(struct host *h, const NetDeviceEntry *e, const char *value, struct img_err *err)
{
	const struct ifinfomsg head = { .ifi_index = (int)e->ifindex };
	cleanup_msg struct kern_msg m = { 0 };
	uint32_t lower = check_name(value, err) < 0 ? 0 : host_index(value, err);

	if (!lower)
		return -1;
	kern_msg_begin(&m, RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, &head, sizeof(head));
	kern_msg_u32(&m, IFLA_NET_NS_FD, (uint32_t)h->inside);
	net_link_put(&m, e, lower);
	return kern_msg_send(&m, h->fd, err);
}

/* In that namespace it has the index `want`. More attributes may be in m already: those are set there. */
static int move(struct kern_msg *m, int rtnl, int to, const char *name, uint32_t want, struct img_err *err)
{
	kern_msg_u32(m, IFLA_NET_NS_FD, (uint32_t)to);
	kern_msg_text(m, IFLA_IFNAME, name);
	kern_msg_u32(m, IFLA_NEW_IFINDEX, want);
	return kern_msg_send(m, rtnl, err);
}

/* What the way in changes of it. */
static int remember(struct host *h, struct net_effect *e, struct img_err *err)
{
	const struct ifinfomsg head = { .ifi_index = (int)e->index }, *now;
	char answer[16384] __attribute__((aligned(8)));
	const struct nlmsghdr *msg = (void *)answer;
	const struct rtattr *at[IFLA_MTU + 1];
	cleanup_msg struct kern_msg m = { 0 };

	kern_msg_begin(&m, RTM_GETLINK, 0, &head, sizeof(head));
	if (kern_msg_ask(&m, h->fd, answer, sizeof(answer), err) < 0)
		return -1;
	now = NLMSG_DATA(msg);
	if (msg->nlmsg_type != RTM_NEWLINK || !kern_attrs(IFLA_RTA(now), IFLA_PAYLOAD(msg), at, ARRAY_SIZE(at), NULL))
		return img_fail(err, IMG_SYS, "what the kernel says of it is cut");
	e->up = now->ifi_flags & IFF_UP;
	e->mtu = kern_attr_u32(at[IFLA_MTU]);
	if (at[IFLA_ADDRESS] && RTA_PAYLOAD(at[IFLA_ADDRESS]) <= sizeof(e->address)) {
		e->address_len = RTA_PAYLOAD(at[IFLA_ADDRESS]);
		memcpy(e->address, RTA_DATA(at[IFLA_ADDRESS]), e->address_len);
	}
	return 0;
}

static int move_in(struct host *h, const NetDeviceEntry *e, const char *value, struct img_err *err)
{
	uint32_t index = check_name(value, err) < 0 ? 0 : host_index(value, err);
	struct net_effect *done = index ? note(h->r, value, index, true, err) : NULL;
	const struct ifinfomsg head = { .ifi_index = (int)index };
	cleanup_msg struct kern_msg m = { 0 };

	if (!done || remember(h, done, err) < 0)
		return -1;
	done->inside = e->ifindex;
	kern_msg_begin(&m, RTM_NEWLINK, 0, &head, sizeof(head));
	return move(&m, h->fd, h->inside, e->name, e->ifindex, err);
}

static const struct way {
	const char *option;
	int (*make)(struct host *h, const NetDeviceEntry *e, const char *value, struct img_err *err);
	bool pair, above; /* for such kinds alone */
} ways[] = {
	{ "netdev", move_in, false, false },
	{ "veth", make_veth, true, false },
	{ "macvlan", make_above, false, true },
};

static int make_one(struct host *h, const NetDeviceEntry *e, struct img_err *err)
{
	bool pair = e->type == ND_TYPE__VETH;

	for (size_t i = 0; i < ARRAY_SIZE(ways); i++) {
		const char *value = options_external(h->r->opt, "%s[%s]", ways[i].option, e->name);

		if (!value || (ways[i].pair && !pair) || (ways[i].above && (pair || !net_link_kind(e))))
			continue;
		log_info(h->r->log, "device %u %s: --external %s: %s", e->ifindex, e->name, ways[i].option, value);
		if (ways[i].make(h, e, value, err) < 0)
			return img_wrap(err, "device %s: --external %s[%s]:%s", e->name, ways[i].option, e->name, value);
		return 0;
	}
	return 0;
}

int net_outside_make(struct restore *r, const struct net_space *space, struct img_err *err)
{
	struct host h = { .r = r, .fd = -1, .inside = r->net->inside };
	cleanup_fd int fd = -1;

	for (size_t i = 0; i < space->nr; i++) {
		if (!net_is_outside(r, space, space->devices[i]))
			continue;
		if (fd < 0 && (fd = kern_rtnl_open(err)) < 0)
			return -1;
		h.fd = fd;
		if (make_one(&h, space->devices[i], err) < 0)
			return -1;
	}
	return 0;
}

/* ---- back ---- */

static int remove_made(int rtnl, const struct net_effect *e, struct img_err *err)
{
	const struct ifinfomsg head = { .ifi_index = (int)e->index };
	cleanup_msg struct kern_msg m = { 0 };
	struct img_err why = IMG_ERR_INIT;

	if (!e->index)
		return 0;
	kern_msg_begin(&m, RTM_DELLINK, 0, &head, sizeof(head));
	/* It may have gone with the namespace that its other end was in. */
	if (kern_msg_send(&m, rtnl, &why) == 0 || why.sys_errno == ENODEV)
		return 0;
	*err = why;
	return img_wrap(err, "remove device %s", e->name);
}

static int set_up(uint32_t index, struct img_err *err)
{
	const struct ifinfomsg head = { .ifi_index = (int)index, .ifi_flags = IFF_UP, .ifi_change = IFF_UP };
	cleanup_fd int fd = kern_rtnl_open(err);
	cleanup_msg struct kern_msg m = { 0 };

	kern_msg_begin(&m, RTM_NEWLINK, 0, &head, sizeof(head));
	return fd < 0 ? -1 : kern_msg_send(&m, fd, err);
}

static int move_back(struct restore *r, const struct net_effect *e, struct img_err *err)
{
	const struct ifinfomsg inside = { .ifi_index = (int)e->inside };
	cleanup_msg struct kern_msg m = { 0 };
	cleanup_fd int host = restore_ns_open_own(r, CLONE_NEWNET, err), fd = -1;
	int ret;

	if (if_nametoindex(e->name) == e->index)
		return 0; /* it has never left */
	if (host < 0)
		return -1;
	if (setns(r->net->inside, CLONE_NEWNET) < 0)
		return img_fail_sys(err, "enter the network namespace");
	fd = kern_rtnl_open(err);
	kern_msg_begin(&m, RTM_NEWLINK, 0, &inside, sizeof(inside));
	kern_msg_u32(&m, IFLA_MTU, e->mtu);
	if (e->address_len)
		kern_msg_put(&m, IFLA_ADDRESS, e->address, e->address_len);
	ret = fd < 0 ? -1 : move(&m, fd, host, e->name, e->index, err);
	if (setns(host, CLONE_NEWNET) < 0)
		return img_fail_sys(err, "back from the network namespace");
	return ret < 0 || (e->up && set_up(e->index, err) < 0) ? img_wrap(err, "take device %s back", e->name) : 0;
}

int restore_net_undo(struct restore *r, struct img_err *err)
{
	cleanup_fd int fd = -1;
	int ret = 0;

	if (!r->net)
		return 0;
	for (size_t i = r->net->nr_effects; i-- > 0;) {
		const struct net_effect *e = &r->net->effects[i];

		if (fd < 0 && (fd = kern_rtnl_open(err)) < 0)
			return -1;
		if ((e->moved ? move_back(r, e, err) : remove_made(fd, e, err)) < 0)
			ret = -1;
	}
	r->net->nr_effects = 0;
	return ret;
}
