/* engines/ns/netdev/netdev-restore.c -- how criu-restore sets up a network namespace: its settings (netns) and its devices (netdev).
 *
 * The front connects the root's namespace with the host (outside-restore.c). The root makes the other devices, in all namespaces
 * before anything is set in one of them: the ends of a pair may be in two. In the end each gets its master, options and flags.
 */

#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <linux/if_link.h>
#include <linux/net_namespace.h>

#include "criu-restore/namespaces.h"
#include "criu-restore/net-own.h"
#include "criu-restore/ns_ops.h"
#include "criuimg/array.h"
#include "criuimg/cleanup.h"
#include "kernel/link-kinds.h"
#include "kernel/rtnl.h"

extern const struct ns_restore_ops netdev_restore_ops, netnsid_restore_ops;

/* ---- names of namespaces for each other ---- */

static int set_name(int rtnl, int fd, int32_t nsid, struct img_err *err)
{
	const struct rtgenmsg head = { .rtgen_family = AF_UNSPEC };
	cleanup_msg struct kern_msg m = { 0 };

	kern_msg_begin(&m, RTM_NEWNSID, 0, &head, sizeof(head));
	kern_msg_u32(&m, NETNSA_FD, (uint32_t)fd);
	kern_msg_u32(&m, NETNSA_NSID, (uint32_t)nsid);
	return kern_msg_send(&m, rtnl, err);
}

static int set_names(struct restore *r, const NetnsEntry *e, struct img_err *err)
{
	cleanup_fd int rtnl = -1;

	for (size_t i = 0; i < e->n_nsids; i++) {
		const NetnsId *n = e->nsids[i];
		cleanup_fd int own = -1;
		int fd = restore_ns_fd(r, CLONE_NEWNET, n->target_ns_id);

		if (fd < 0 && n->target_ns_id == restore_ns_id(r, CLONE_NEWNET))
			fd = own = restore_ns_open_own(r, CLONE_NEWNET, err);
		if (fd < 0) {
			log_warn(r->log, "network namespace %u is not there: its name %d is not set", n->target_ns_id,
				n->netnsid_value);
			continue;
		}
		if (rtnl < 0 && (rtnl = kern_rtnl_open(err)) < 0)
			return -1;
		if (set_name(rtnl, fd, n->netnsid_value, err) < 0)
			return img_wrap(err, "name %d for namespace %u", n->netnsid_value, n->target_ns_id);
	}
	return 0;
}

/* Settings come before devices, which begin with the defaults. Those of the root's namespace are there: netdev_born(). */
static int netnsid_prepare(struct restore *r, uint32_t id, struct img_err *err)
{
	const struct net_space *space = net_space_find(r, id);

	if (!space || !space->settings)
		return 0;
	if (id != restore_ns_id(r, CLONE_NEWNET) && net_settings_of_namespace(r, space->settings, err) < 0)
		return -1;
	return set_names(r, space->settings, err);
}

const struct ns_restore_ops netnsid_restore_ops = {
	.name = "netns",
	.flag = CLONE_NEWNET,
	.prepare = netnsid_prepare,
};

/* ---- the front ---- */

static int netdev_born(struct restore *r, uint32_t id, struct img_err *err)
{
	const struct net_space *space = net_space_find(r, id);
	cleanup_fd int own = restore_ns_open_own(r, CLONE_NEWNET, err);
	char path[64];
	int ret;

	if (!space || own < 0)
		return own < 0 ? -1 : 0;
	snprintf(path, sizeof(path), "/proc/%d/ns/net", restore_here(r->root));
	r->net->inside = open(path, O_RDONLY | O_CLOEXEC);
	if (r->net->inside < 0)
		return img_fail_sys(err, "%s", path);
	if (space->settings) {
		if (setns(r->net->inside, CLONE_NEWNET) < 0)
			return img_fail_sys(err, "enter the network namespace");
		ret = net_settings_of_namespace(r, space->settings, err);
		if (setns(own, CLONE_NEWNET) < 0)
			return img_fail_sys(err, "back from the network namespace");
		if (ret < 0)
			return -1;
	}
	return net_outside_make(r, space, err);
}

/* ---- making devices ---- */

struct making {
	struct restore *r;
	const struct net_space *space;
	int fd;
};

/* Where the peer is: the namespace's descriptor; -1: in this one. */
static int where(struct making *m, const struct net_space *other, int *fd, struct img_err *err)
{
	*fd = -1;
	if (other == m->space)
		return 0;
	*fd = restore_ns_fd(m->r, CLONE_NEWNET, other->id);
	return *fd < 0 ? img_fail(err, IMG_CORRUPT, "its peer is in namespace %u, which is not there", other->id) : 0;
}

static int make_pair(struct making *m, const NetDeviceEntry *e, struct img_err *err)
{
	const struct ifinfomsg head = { .ifi_index = (int)e->ifindex };
	const struct net_space *other = net_peer_space(m->r, m->space, e);
	cleanup_msg struct kern_msg msg = { 0 };
	int fd;

	if (where(m, other, &fd, err) < 0)
		return -1;
	kern_msg_begin(&msg, RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, &head, sizeof(head));
	net_link_put_own(&msg, e);
	net_link_put_pair(&msg, net_device_find(other, e->peer_ifindex), fd);
	return kern_msg_send(&msg, m->fd, err);
}

/* With the device below it in this namespace, in another one of the tree, or without one. */
static int make_plain(struct making *m, const NetDeviceEntry *e, struct img_err *err)
{
	const struct ifinfomsg head = { .ifi_index = (int)e->ifindex };
	const struct net_space *other = net_peer_space(m->r, m->space, e);
	cleanup_msg struct kern_msg msg = { 0 };
	cleanup_fd int own = -1, theirs = -1;
	int fd = -1, rtnl = m->fd;

	if (other && where(m, other, &fd, err) < 0)
		return -1;
	kern_msg_begin(&msg, RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, &head, sizeof(head));
	if (fd >= 0) {
		/* From there, into this one. */
		own = restore_ns_open_own(m->r, CLONE_NEWNET, err);
		if (own < 0)
			return -1;
		if (setns(fd, CLONE_NEWNET) < 0)
			return img_fail_sys(err, "enter network namespace %u", other->id);
		theirs = rtnl = kern_rtnl_open(err);
		if (setns(own, CLONE_NEWNET) < 0 || rtnl < 0)
			return rtnl < 0 ? -1 : img_fail_sys(err, "back from network namespace %u", other->id);
		kern_msg_u32(&msg, IFLA_NET_NS_FD, (uint32_t)own);
	}
	net_link_put(&msg, e, other ? e->peer_ifindex : 0);
	return kern_msg_send(&msg, rtnl, err);
}

static int make_device(struct making *m, const NetDeviceEntry *e, struct img_err *err)
{
	const struct kern_link_kind *k;

	if (if_nametoindex(e->name))
		return 0; /* it came with the namespace, from the host, by a script, or with its other end */
	if (net_is_outside(m->r, m->space, e))
		return img_fail(err, IMG_UNSUPPORTED,
			"it was connected with the host, or came from there: --external %s[%s]:... says with what, or a script moves one "
			"in (setup-namespaces)",
			e->type == ND_TYPE__VETH ? "veth" : e->type == ND_TYPE__EXTLINK ? "netdev" : "macvlan", e->name);
	if (e->type == ND_TYPE__TUN)
		return net_tun_make(m->r, e, err);
	k = net_link_kind(e) ? kern_link_kind(net_link_kind(e)) : NULL;
	return k && k->pair ? make_pair(m, e, err) : make_plain(m, e, err);
}

/* The device below has to be there first. */
static bool waits(struct making *m, const NetDeviceEntry *e)
{
	const NetDeviceEntry *lower;

	if (e->type == ND_TYPE__VETH || net_peer_space(m->r, m->space, e) != m->space)
		return false;
	lower = net_device_find(m->space, e->peer_ifindex);
	return lower && !if_nametoindex(lower->name);
}

/* ---- devices that scripts have moved in ---- */

static bool has_other_index(const NetDeviceEntry *e)
{
	uint32_t now = if_nametoindex(e->name);

	return e->type != ND_TYPE__LOOPBACK && now && now != e->ifindex;
}

static int move(int rtnl, int to, const NetDeviceEntry *e, uint32_t index, struct img_err *err)
{
	const struct ifinfomsg head = { .ifi_family = AF_UNSPEC };
	cleanup_msg struct kern_msg m = { 0 };

	kern_msg_begin(&m, RTM_NEWLINK, 0, &head, sizeof(head));
	kern_msg_text(&m, IFLA_IFNAME, e->name);
	kern_msg_u32(&m, IFLA_NET_NS_FD, (uint32_t)to);
	if (index)
		kern_msg_u32(&m, IFLA_NEW_IFINDEX, index);
	return kern_msg_send(&m, rtnl, err) < 0 ? img_wrap(err, "device %s: give it the index %u", e->name, e->ifindex) : 0;
}

/* Through a namespace that is made for that: a device gets another index only where it moves. */
static int give_indices(struct making *m, struct img_err *err)
{
	cleanup_fd int own = restore_ns_open_own(m->r, CLONE_NEWNET, err), other = -1, rtnl = -1;
	NetDeviceEntry **moved = img_arena_array(&m->r->arena, m->space->nr, sizeof(*moved));
	size_t nr = 0;

	if (own < 0 || !moved)
		return own < 0 ? -1 : img_fail_nomem(err);
	if (unshare(CLONE_NEWNET) < 0)
		return img_fail_sys(err, "make a network namespace for a moment");
	other = restore_ns_open_own(m->r, CLONE_NEWNET, err);
	rtnl = other < 0 ? -1 : kern_rtnl_open(err);
	if (setns(own, CLONE_NEWNET) < 0)
		return img_fail_sys(err, "back to the network namespace");
	if (rtnl < 0)
		return -1;
	for (size_t i = 0; i < m->space->nr; i++) {
		if (!has_other_index(m->space->devices[i]))
			continue;
		moved[nr++] = m->space->devices[i];
		if (move(m->fd, other, moved[nr - 1], 0, err) < 0)
			return -1;
	}
	for (size_t i = 0; i < nr; i++)
		if (move(rtnl, own, moved[i], moved[i]->ifindex, err) < 0)
			return -1;
	return 0;
}

static int netdev_prepare(struct restore *r, uint32_t id, struct img_err *err)
{
	struct making m = { .r = r, .space = net_space_find(r, id) };
	cleanup_fd int fd = kern_rtnl_open(err);
	size_t left = SIZE_MAX, before = 0;
	bool indices = false;

	if (fd < 0 || !m.space)
		return fd < 0 ? -1 : 0;
	m.fd = fd;
	for (size_t i = 0; i < m.space->nr && !indices; i++)
		indices = has_other_index(m.space->devices[i]);
	if (indices && give_indices(&m, err) < 0)
		return -1;
	while (left) {
		before = left;
		left = 0;
		for (size_t i = 0; i < m.space->nr; i++) {
			if (waits(&m, m.space->devices[i])) {
				left++;
				continue;
			}
			if (make_device(&m, m.space->devices[i], err) < 0)
				return img_wrap(err, "device %s", m.space->devices[i]->name);
		}
		if (left && left == before)
			return img_fail(err, IMG_CORRUPT, "devices that stand on each other");
	}
	return 0;
}

/* ---- what they are then ---- */

static int netdev_make(struct restore *r, uint32_t id, struct img_err *err)
{
	const struct net_space *space = net_space_find(r, id);
	cleanup_fd int fd = kern_rtnl_open(err);

	if (fd < 0 || !space)
		return fd < 0 ? -1 : 0;
	/* Masters are settled before their ports. */
	for (int ports = 0; ports < 2; ports++) {
		for (size_t i = 0; i < space->nr; i++) {
			const NetDeviceEntry *e = space->devices[i];

			if (!!e->has_master != ports)
				continue;
			if (net_link_settle(r, fd, e, err) < 0)
				return img_wrap(err, "device %s", e->name);
			log_info(r->log, "device %u %s, flags %#x", e->ifindex, e->name, e->flags);
		}
	}
	return 0;
}

const struct ns_restore_ops netdev_restore_ops = {
	.name = "netdev",
	.flag = CLONE_NEWNET,
	.plan = net_plan,
	.born = netdev_born,
	.prepare = netdev_prepare,
	.make = netdev_make,
};
