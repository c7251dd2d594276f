/* engines/ns/netdev/netdev-dump.c -- what criu-dump saves of a network namespace: its devices (netdev) and its settings (netns). */

#include <errno.h>
#include <sched.h>
#include <string.h>
#include <linux/if_arp.h>
#include <linux/if_link.h>

#include "criu-dump/ns_ops.h"
#include "criuimg/array.h"
#include "criuimg/cleanup.h"
#include "criuimg/image.h"
#include "kernel/net-conf.h"
#include "kernel/proc-file.h"
#include "kernel/rtnl.h"
#include "netdev.pb-c.h"

extern const struct ns_dump_ops netdev_dump_ops;

/* ---- settings ---- */

static SysctlEntry *read_setting(struct img_arena *arena, bool text, const char *path, struct img_err *err)
{
	SysctlEntry *e = img_arena_message(arena, SysctlEntry, sysctl_entry);
	struct img_err why = IMG_ERR_INIT;
	cleanup_free char *value = NULL;

	if (!e) {
		img_fail_nomem(err);
		return NULL;
	}
	e->type = text ? SYSCTL_TYPE__CTL_STR : SYSCTL_TYPE__CTL_32;
	value = kern_proc_read(NULL, &why, "%s", path);
	/* EIO: stable_secret, until somebody has set one. */
	if (!value && (why.sys_errno == ENOENT || why.sys_errno == EIO))
		return e;
	if (!value) {
		*err = why;
		return NULL;
	}
	value[strcspn(value, "\n")] = '\0';
	if (!text) {
		e->has_iarg = 1;
		e->iarg = atoi(value);
	} else if (!(e->sarg = img_arena_strdup(arena, value))) {
		img_fail_nomem(err);
		return NULL;
	}
	return e;
}

static int read_conf(struct img_arena *arena, int family, const char *dev, SysctlEntry ***out, size_t *nr, struct img_err *err)
{
	const char *const *names = family == 4 ? kern_net_conf4 : kern_net_conf6;
	size_t count = family == 4 ? kern_net_conf4_nr : kern_net_conf6_nr;
	SysctlEntry **list = img_arena_array(arena, count, sizeof(*list));
	char path[128];

	if (!list)
		return img_fail_nomem(err);
	for (size_t i = 0; i < count; i++) {
		snprintf(path, sizeof(path), "/proc/sys/net/ipv%d/conf/%s/%s", family, dev, names[i]);
		list[i] = read_setting(arena, !strcmp(names[i], "stable_secret"), path, err);
		if (!list[i])
			return -1;
	}
	*out = list;
	*nr = count;
	return 0;
}

static int read_one(struct img_arena *arena, bool text, const char *path, SysctlEntry ***out, size_t *nr, struct img_err *err)
{
	SysctlEntry **list = img_arena_array(arena, 1, sizeof(*list));

	if (!list)
		return img_fail_nomem(err);
	list[0] = read_setting(arena, text, path, err);
	*out = list;
	*nr = 1;
	return list[0] ? 0 : -1;
}

static int write_netns(struct dump *d, const struct dump_namespace *ns, struct img_err *err)
{
	cleanup_arena struct img_arena arena = IMG_ARENA_INIT;
	NetnsEntry e = NETNS_ENTRY__INIT;

	if (read_conf(&arena, 4, "default", &e.def_conf4, &e.n_def_conf4, err) < 0 ||
		read_conf(&arena, 4, "all", &e.all_conf4, &e.n_all_conf4, err) < 0 ||
		read_conf(&arena, 6, "default", &e.def_conf6, &e.n_def_conf6, err) < 0 ||
		read_conf(&arena, 6, "all", &e.all_conf6, &e.n_all_conf6, err) < 0 ||
		read_one(&arena, false, "/proc/sys/net/unix/max_dgram_qlen", &e.unix_conf, &e.n_unix_conf, err) < 0 ||
		read_one(&arena, true, "/proc/sys/net/ipv4/ping_group_range", &e.ipv4_sysctl, &e.n_ipv4_sysctl, err) < 0)
		return -1;
	return img_write_single(d->set, IMG_NETNS, ns->id, &e.base, err);
}

/* ---- devices ---- */

struct devices {
	struct dump *d;
	const struct dump_namespace *ns;
	struct img_arena arena;
	NetDeviceEntry **items;
	size_t nr, room;
};

static int take_link(void *arg, const struct nlmsghdr *msg, struct img_err *err)
{
	struct devices *devs = arg;
	const struct ifinfomsg *link = NLMSG_DATA(msg);
	int left = (int)IFLA_PAYLOAD(msg);
	const char *name = "?", *kind = "";
	NetDeviceEntry *e, **at;

	if (msg->nlmsg_type != RTM_NEWLINK)
		return 0;
	e = img_arena_message(&devs->arena, NetDeviceEntry, net_device_entry);
	if (!e)
		return img_fail_nomem(err);
	e->ifindex = (uint32_t)link->ifi_index;
	e->flags = link->ifi_flags;
	for (const struct rtattr *a = IFLA_RTA(link); RTA_OK(a, left); a = RTA_NEXT(a, left)) {
		if (a->rta_type == IFLA_IFNAME) {
			name = RTA_DATA(a);
		} else if (a->rta_type == IFLA_MTU) {
			e->mtu = *(const uint32_t *)RTA_DATA(a);
		} else if (a->rta_type == IFLA_LINKINFO) {
			int inner = (int)RTA_PAYLOAD(a);

			for (const struct rtattr *i = RTA_DATA(a); RTA_OK(i, inner); i = RTA_NEXT(i, inner))
				if (i->rta_type == IFLA_INFO_KIND)
					kind = RTA_DATA(i);
		}
	}
	if (link->ifi_type != ARPHRD_LOOPBACK)
		return dump_block(devs->d, devs->ns->task, "", "network device %s (%s) is not supported yet", name,
			*kind ? kind : "hardware");
	e->type = ND_TYPE__LOOPBACK;
	e->name = img_arena_strdup(&devs->arena, name);
	e->has_peer_ifindex = e->has_peer_nsid = 1;
	e->peer_ifindex = e->ifindex;
	e->peer_nsid = devs->ns->id;
	at = e->name ? img_array_more(&devs->items, devs->nr, &devs->room) : NULL;
	if (!at)
		return img_fail_nomem(err);
	devs->nr++;
	*at = e;
	return 0;
}

static int list_links(struct devices *devs, struct img_err *err)
{
	cleanup_fd int fd = kern_rtnl_open(err);

	return fd < 0 ? -1 : kern_rtnl_dump(fd, RTM_GETLINK, AF_UNSPEC, take_link, devs, err);
}

static void free_devices(struct devices *devs)
{
	free(devs->items);
	img_arena_free(&devs->arena);
}

static int netdev_check(struct dump *d, const struct dump_namespace *ns, struct img_err *err)
{
	struct devices devs = { .d = d, .ns = ns };
	int ret = ns->ext_key ? 0 : list_links(&devs, err);

	free_devices(&devs);
	return ret;
}

static int write_devices(struct dump *d, struct devices *devs, struct img_err *err)
{
	struct img_writer *w = img_writer_create(d->set, IMG_NETDEV, devs->ns->id, err);

	if (!w)
		return -1;
	for (size_t i = 0; i < devs->nr; i++) {
		NetDeviceEntry *e = devs->items[i];

		log_info(d->log, "network namespace %u: device %u %s, flags %#x", devs->ns->id, e->ifindex, e->name, e->flags);
		if (read_conf(&devs->arena, 4, e->name, &e->conf4, &e->n_conf4, err) < 0 ||
			read_conf(&devs->arena, 6, e->name, &e->conf6, &e->n_conf6, err) < 0 || img_write(w, &e->base, err) < 0) {
			img_writer_abort(w);
			return -1;
		}
	}
	return img_writer_finish(w, err);
}

static int netdev_dump(struct dump *d, const struct dump_namespace *ns, struct img_err *err)
{
	struct devices devs = { .d = d, .ns = ns };
	int ret;

	if (ns->ext_key) {
		NetnsEntry e = NETNS_ENTRY__INIT;

		e.ext_key = (char *)ns->ext_key;
		return img_write_single(d->set, IMG_NETNS, ns->id, &e.base, err);
	}
	ret = list_links(&devs, err);
	if (ret == 0)
		ret = write_devices(d, &devs, err);
	free_devices(&devs);
	return ret < 0 ? -1 : write_netns(d, ns, err);
}

const struct ns_dump_ops netdev_dump_ops = {
	.name = "netdev",
	.flag = CLONE_NEWNET,
	.inside = true,
	.external = true,
	.check = netdev_check,
	.dump = netdev_dump,
};
