/* engines/ns/netdev/netdev-dump.c -- what criu-dump saves of a network namespace: its devices (netdev) and its settings (netns). */

#include <errno.h>
#include <sched.h>
#include <string.h>
#include <sys/socket.h>

#include "criu-dump/net-own.h"
#include "criuimg/array.h"
#include "criuimg/cleanup.h"
#include "criuimg/image.h"
#include "kernel/rtnl.h"

extern const struct ns_dump_ops netdev_dump_ops;

/* ---- devices ---- */

struct devices {
	struct dump *d;
	const struct dump_namespace *ns;
	struct img_arena arena;
	struct net_names names;
	struct net_defaults defaults;
	NetDeviceEntry **items;
	size_t nr, room;
};

static int take_link(void *arg, const struct nlmsghdr *msg, struct img_err *err)
{
	struct devices *devs = arg;
	NetDeviceEntry **at;

	if (msg->nlmsg_type != RTM_NEWLINK)
		return 0;
	at = img_array_more(&devs->items, devs->nr, &devs->room);
	if (!at)
		return img_fail_nomem(err);
	*at = net_link_record(devs->d, devs->ns, &devs->names, &devs->arena, msg, err);
	if (!*at)
		return -1;
	devs->nr++;
	return 0;
}

static int by_index(const void *va, const void *vb)
{
	const NetDeviceEntry *a = *(NetDeviceEntry *const *)va, *b = *(NetDeviceEntry *const *)vb;

	return a->ifindex < b->ifindex ? -1 : a->ifindex > b->ifindex;
}

static int list_links(struct devices *devs, struct img_err *err)
{
	cleanup_fd int fd = kern_rtnl_open(err);

	if (fd < 0 || net_names_read(devs->d, fd, &devs->names, err) < 0 ||
		kern_rtnl_dump(fd, RTM_GETLINK, AF_UNSPEC, 0, take_link, devs, err) < 0)
		return -1;
	qsort(devs->items, devs->nr, sizeof(*devs->items), by_index);
	return 0;
}

static void free_devices(struct devices *devs)
{
	free(devs->items);
	free(devs->names.items);
	free(devs->defaults.items);
	img_arena_free(&devs->arena);
}

static int netdev_check(struct dump *d, const struct dump_namespace *ns, struct img_err *err)
{
	struct devices devs = { .d = d, .ns = ns };
	cleanup_fd int fd = -1;
	int ret = ns->ext_key ? 0 : list_links(&devs, err);

	free_devices(&devs);
	if (ret < 0 || ns->ext_key)
		return ret;
	fd = kern_rtnl_open(err);
	return fd < 0 ? -1 : net_refuse(d, ns, fd, err);
}

static int write_devices(struct dump *d, struct devices *devs, struct img_err *err)
{
	struct img_writer *w = img_writer_create(d->set, IMG_NETDEV, devs->ns->id, err);

	if (!w)
		return -1;
	for (size_t i = 0; i < devs->nr; i++) {
		NetDeviceEntry *e = devs->items[i];

		log_info(d->log, "network namespace %u: device %u %s, flags %#x", devs->ns->id, e->ifindex, e->name, e->flags);
		if ((e->tun && net_tun_look(d, devs->ns, e, err) < 0) || net_settings_of_device(&devs->arena, &devs->defaults, e, err) < 0 ||
			img_write(w, &e->base, err) < 0) {
			img_writer_abort(w);
			return img_wrap(err, "device %s", e->name);
		}
	}
	return img_writer_finish(w, err);
}

static int write_namespace(struct dump *d, struct devices *devs, struct img_err *err)
{
	NetnsEntry e = NETNS_ENTRY__INIT;

	e.nsids = img_arena_array(&devs->arena, devs->names.nr, sizeof(*e.nsids));
	if (!e.nsids && devs->names.nr)
		return img_fail_nomem(err);
	for (size_t i = 0; i < devs->names.nr; i++) {
		NetnsId *id = img_arena_message(&devs->arena, NetnsId, netns_id);

		if (!id)
			return img_fail_nomem(err);
		id->target_ns_id = devs->names.items[i].id;
		id->netnsid_value = devs->names.items[i].nsid;
		e.nsids[e.n_nsids++] = id;
	}
	return net_settings_of_namespace(&devs->arena, &e, err) < 0 ? -1 : img_write_single(d->set, IMG_NETNS, devs->ns->id, &e.base, err);
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
	if (ret == 0)
		ret = write_namespace(d, &devs, err);
	free_devices(&devs);
	return ret;
}

const struct ns_dump_ops netdev_dump_ops = {
	.name = "netdev",
	.flag = CLONE_NEWNET,
	.inside = true,
	.external = true,
	.check = netdev_check,
	.dump = netdev_dump,
};
