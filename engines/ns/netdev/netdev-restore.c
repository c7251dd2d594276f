/* engines/ns/netdev/netdev-restore.c -- how criu-restore sets up a network namespace: its settings (netns) and its devices (netdev). */

#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "criu-restore/ns_ops.h"
#include "criuimg/cleanup.h"
#include "criuimg/image.h"
#include "kernel/net-conf.h"
#include "netdev.pb-c.h"

extern const struct ns_restore_ops netdev_restore_ops;

/* ---- settings ---- */

/* What has the value already is left alone: some cannot be written at all. */
static int set_one(struct restore *r, const char *path, const SysctlEntry *e, struct img_err *err)
{
	char value[128], now[128] = "";
	cleanup_fd int fd = -1;

	if (e->type == SYSCTL_TYPE__CTL_32 && e->has_iarg)
		snprintf(value, sizeof(value), "%d", e->iarg);
	else if (e->type == SYSCTL_TYPE__CTL_STR && e->sarg)
		snprintf(value, sizeof(value), "%s", e->sarg);
	else
		return 0; /* that kernel had no such thing */
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 && errno == ENOENT) {
		log_warn(r->log, "%s: this kernel has no such setting: left out", path);
		return 0;
	}
	if (fd >= 0 && read(fd, now, sizeof(now) - 1) > 0) {
		now[strcspn(now, "\n")] = '\0';
		if (!strcmp(now, value))
			return 0;
	}
	img_cleanup_fd(&fd);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0 || write(fd, value, strlen(value)) < 0)
		return img_fail_sys(err, "set %s to %s", path, value);
	return 0;
}

static int set_conf(struct restore *r, int family, const char *dev, SysctlEntry **list, size_t nr, struct img_err *err)
{
	const char *const *names = family == 4 ? kern_net_conf4 : kern_net_conf6;
	size_t known = family == 4 ? kern_net_conf4_nr : kern_net_conf6_nr;
	char path[128];

	/* Forwarding first: to change it changes others (net/ipv4/devinet.c, inet_forward_change()). */
	for (int pass = 0; pass < 2; pass++) {
		for (size_t i = 0; i < nr && i < known; i++) {
			if (!strcmp(names[i], "forwarding") != (pass == 0))
				continue;
			/* A device without IPv6 (a small mtu) has none of its settings. */
			snprintf(path, sizeof(path), "/proc/sys/net/ipv%d/conf/%s/%s", family, dev, names[i]);
			if (set_one(r, path, list[i], err) < 0)
				return -1;
		}
	}
	return 0;
}

static int make_netns(struct restore *r, uint32_t id, struct img_err *err)
{
	NetnsEntry *e;
	int ret = img_read_single(r->set, IMG_NETNS, id, (ProtobufCMessage **)&e, err);

	if (ret <= 0)
		return ret;
	/* "all" first: writing some of it writes all devices and "default" as well. */
	ret = set_conf(r, 4, "all", e->all_conf4, e->n_all_conf4, err);
	if (ret == 0)
		ret = set_conf(r, 6, "all", e->all_conf6, e->n_all_conf6, err);
	if (ret == 0)
		ret = set_conf(r, 4, "default", e->def_conf4, e->n_def_conf4, err);
	if (ret == 0)
		ret = set_conf(r, 6, "default", e->def_conf6, e->n_def_conf6, err);
	if (ret == 0 && e->n_unix_conf)
		ret = set_one(r, "/proc/sys/net/unix/max_dgram_qlen", e->unix_conf[0], err);
	if (ret == 0 && e->n_ipv4_sysctl)
		ret = set_one(r, "/proc/sys/net/ipv4/ping_group_range", e->ipv4_sysctl[0], err);
	img_message_free(&e->base);
	return ret;
}

/* ---- devices ---- */

/* The number of devices is not bounded: each is read, used and dropped. */
static int each_device(struct restore *r, uint32_t id,
	int (*fn)(struct restore *r, const NetDeviceEntry *e, struct img_err *err), struct img_err *err)
{
	struct img_reader *reader;
	ProtobufCMessage *msg;
	int ret = img_reader_open(r->set, IMG_NETDEV, id, &reader, err);

	if (ret <= 0)
		return ret;
	while ((ret = img_read(reader, &msg, err)) > 0) {
		ret = fn(r, (const NetDeviceEntry *)msg, err);
		img_message_free(msg);
		if (ret < 0)
			break;
	}
	img_reader_close(reader);
	return ret;
}

static int plan_device(struct restore *r, const NetDeviceEntry *e, struct img_err *err)
{
	if (strlen(e->name) >= IFNAMSIZ || strchr(e->name, '/') || !*e->name || *e->name == '.')
		return img_fail(err, IMG_CORRUPT, "a device called '%s'", e->name);
	if (e->type != ND_TYPE__LOOPBACK) {
		const ProtobufCEnumValue *v = protobuf_c_enum_descriptor_get_value(&nd_type__descriptor, (int)e->type);

		return img_fail(err, IMG_UNSUPPORTED, "device %s: %s is not supported yet", e->name, v ? v->name : "its kind");
	}
	return 0;
}

static int make_device(struct restore *r, const NetDeviceEntry *e, struct img_err *err)
{
	cleanup_fd int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct ifreq req = { 0 };

	if (fd < 0)
		return img_fail_sys(err, "socket");
	snprintf(req.ifr_name, sizeof(req.ifr_name), "%s", e->name);
	if (ioctl(fd, SIOCGIFMTU, &req) < 0)
		return img_fail_sys(err, "device %s", e->name);
	if ((uint32_t)req.ifr_mtu != e->mtu) {
		req.ifr_mtu = (int)e->mtu;
		if (ioctl(fd, SIOCSIFMTU, &req) < 0)
			return img_fail_sys(err, "device %s: mtu %u", e->name, e->mtu);
	}
	if (set_conf(r, 4, e->name, e->conf4, e->n_conf4, err) < 0 || set_conf(r, 6, e->name, e->conf6, e->n_conf6, err) < 0)
		return -1;
	req.ifr_flags = (short)(e->flags & (IFF_UP | IFF_PROMISC | IFF_ALLMULTI | IFF_NOARP | IFF_MULTICAST | IFF_DYNAMIC));
	if (ioctl(fd, SIOCSIFFLAGS, &req) < 0)
		return img_fail_sys(err, "device %s: flags %#x", e->name, e->flags);
	/* What coming up has changed: the mtu of IPv6. */
	if (set_conf(r, 6, e->name, e->conf6, e->n_conf6, err) < 0)
		return -1;
	log_info(r->log, "device %u %s, flags %#x", e->ifindex, e->name, e->flags);
	return 0;
}

static int netdev_plan(struct restore *r, uint32_t id, struct img_err *err)
{
	return each_device(r, id, plan_device, err);
}

static int netdev_make(struct restore *r, uint32_t id, struct img_err *err)
{
	return make_netns(r, id, err) < 0 ? -1 : each_device(r, id, make_device, err);
}

const struct ns_restore_ops netdev_restore_ops = {
	.name = "netdev",
	.flag = CLONE_NEWNET,
	.plan = netdev_plan,
	.make = netdev_make,
};
