/* engines/fd/tun/tun-restore.c -- how criu-restore opens /dev/net/tun again and attaches it to the device, which is there with its network
 * namespace, persistent until it has a file. Facts: drivers/net/tun.c. */

#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <linux/if_tun.h>

#include "criu-restore/files.h"
#include "criu-restore/namespaces.h"
#include "criu-restore/net-own.h"
#include "criuimg/cleanup.h"
#include "tun.pb-c.h"

/* The record of its device, where that is of the set. */
static const TunLinkEntry *device_of(const struct restore *r, const TunfileEntry *tun)
{
	const struct net_space *space = tun->has_ns_id ? net_space_find(r, tun->ns_id) : NULL;
	const NetDeviceEntry *e = space && tun->netdev ? net_device_named(space, tun->netdev) : NULL;

	return e ? e->tun : NULL;
}

static int tun_plan(struct restore *r, const struct restore_file *f, struct img_err *err)
{
	const TunfileEntry *tun = f->rec->tunf;

	if (!tun)
		return img_fail(err, IMG_CORRUPT, "has no tun record");
	if (tun->netdev && (!*tun->netdev || strlen(tun->netdev) >= IFNAMSIZ))
		return img_fail(err, IMG_CORRUPT, "a device called '%s'", tun->netdev);
	if (tun->netdev && tun->has_ns_id && net_space_find(r, tun->ns_id) && !device_of(r, tun))
		return img_fail(err, IMG_CORRUPT, "its device %s is not in network namespace %u", tun->netdev, tun->ns_id);
	return tun->has_ns_id ? restore_ns_known(r, CLONE_NEWNET, tun->ns_id, err) : 0;
}

static int set_queue(int fd, int flags, struct img_err *err)
{
	struct ifreq req = { .ifr_flags = (short)flags };

	return ioctl(fd, TUNSETQUEUE, &req) < 0 ? img_fail_sys(err, "TUNSETQUEUE %#x", (unsigned)flags) : 0;
}

/* In the device's namespace. */
static int attach(struct restore *r, int fd, const TunfileEntry *tun, struct img_err *err)
{
	const TunLinkEntry *dev = device_of(r, tun);
	struct ifreq req = { 0 };

	if (!tun->has_flags && !dev)
		return img_fail(err, IMG_UNSUPPORTED, "tun device %s is not in the images: what kind of device it is is not known",
			tun->netdev);
	if (!if_nametoindex(tun->netdev))
		return img_fail(err, IMG_UNSUPPORTED, "there is no tun device %s", tun->netdev);
	req.ifr_flags = (short)(tun->has_flags ? tun->flags : dev->flags & ~(uint32_t)IFF_PERSIST);
	snprintf(req.ifr_name, sizeof(req.ifr_name), "%s", tun->netdev);
	if (ioctl(fd, TUNSETIFF, &req) < 0)
		return img_fail_sys(err, "attach to tun device %s", tun->netdev);
	/* The size of the buffer is one of each file, set for all there are. */
	if (dev && dev->sndbuf != INT32_MAX && ioctl(fd, TUNSETSNDBUF, &dev->sndbuf) < 0)
		return img_fail_sys(err, "TUNSETSNDBUF %u", dev->sndbuf);
	if (dev && !(dev->flags & IFF_PERSIST) && ioctl(fd, TUNSETPERSIST, 0) < 0)
		return img_fail_sys(err, "TUNSETPERSIST");
	return tun->detached ? set_queue(fd, IFF_DETACH_QUEUE, err) : 0;
}

static int open_it(struct restore *r, struct restore_task *t, const RegFileEntry *reg, struct img_err *err)
{
	int fd;

	if (reg)
		return restore_open_named(r, t, reg, (int)reg->flags, err);
	fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC);
	return fd < 0 ? img_fail_sys(err, "/dev/net/tun") : fd;
}

static int tun_make(struct restore *r, struct restore_task *t, const struct restore_file *const *files, size_t nr, int *fds,
	struct img_err *err)
{
	const TunfileEntry *tun = files[0]->rec->tunf;
	const RegFileEntry *reg = files[0]->rec->reg;
	bool elsewhere = tun->has_ns_id && t->ids && t->ids->has_net_ns_id && t->ids->net_ns_id != tun->ns_id;
	cleanup_fd int own = -1, ns = -1;

	if (elsewhere) {
		own = restore_ns_open_own(r, CLONE_NEWNET, err);
		ns = own < 0 ? -1 : restore_ns_open(r, CLONE_NEWNET, tun->ns_id, err);
		if (ns < 0)
			return -1;
		if (setns(ns, CLONE_NEWNET) < 0)
			return img_fail_sys(err, "enter network namespace %u", tun->ns_id);
	}
	/* The file is of the namespace in which it is opened. */
	fds[0] = open_it(r, t, reg, err);
	if (fds[0] < 0 || (tun->netdev && attach(r, fds[0], tun, err) < 0))
		return -1;
	if (elsewhere && setns(own, CLONE_NEWNET) < 0)
		return img_fail_sys(err, "back from network namespace %u", tun->ns_id);
	if (reg && (restore_file_flags(fds[0], reg->flags, err) < 0 || restore_file_owner(r, fds[0], reg->fown, err) < 0))
		return -1;
	return 0;
}

const struct fd_restore_ops tun_restore_ops = {
	.name = "tun",
	.type = FD_TYPES__TUNF,
	.plan = tun_plan,
	.make = tun_make,
};
