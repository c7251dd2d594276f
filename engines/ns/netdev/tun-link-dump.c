/* engines/ns/netdev/tun-link-dump.c -- what only an open file of a tun device tells: one that a task has, or, where a persistent device has
 * a queue free, one of our own for a moment. Facts: drivers/net/tun.c. */

#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <linux/if_tun.h>
#include <linux/sockios.h>
#include <linux/ethtool.h>

#include "criu-dump/net-own.h"
#include "criu-dump/tuns.h"
#include "criuimg/array.h"
#include "criuimg/cleanup.h"

/* Since Linux 6.1: attaching leaves the carrier off, as it is. */
#ifndef IFF_NO_CARRIER
#define IFF_NO_CARRIER 0x0040
#endif

/* ---- by a queue of our own ---- */

static int attach(const NetDeviceEntry *e, struct img_err *err)
{
	cleanup_fd int fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC);
	struct ifreq req = { .ifr_flags = (short)((e->tun->flags & ~(uint32_t)IFF_PERSIST) | IFF_NO_CARRIER) };

	snprintf(req.ifr_name, sizeof(req.ifr_name), "%s", e->name);
	if (fd < 0)
		return img_fail_sys(err, "/dev/net/tun");
	if (ioctl(fd, TUNSETIFF, &req) == 0)
		return steal_fd(&fd);
	if (errno == EBUSY)
		return img_fail(err, IMG_UNSUPPORTED, "a tun device that a process outside of the tree has open is not supported");
	return img_fail_sys(err, "attach to it");
}

static int look_ourselves(const NetDeviceEntry *e, struct dump_tun *tun, struct img_err *err)
{
	cleanup_fd int fd = attach(e, err);

	snprintf(tun->name, sizeof(tun->name), "%s", e->name);
	return fd < 0 ? -1 : dump_tun_read(fd, tun, err);
}

/* ---- what is offloaded to whoever reads it ---- */

/* Names of features: net/ethtool/common.c, netdev_features_strings. */
static const struct {
	const char *feature;
	uint32_t bit;
} offloads[] = {
	{ "tx-checksum-ip-generic", TUN_F_CSUM },
	{ "tx-tcp-segmentation", TUN_F_TSO4 },
	{ "tx-tcp-ecn-segmentation", TUN_F_TSO_ECN },
	{ "tx-tcp6-segmentation", TUN_F_TSO6 },
	{ "tx-udp-segmentation", 0x20 | 0x40 }, /* TUN_F_USO4, TUN_F_USO6: always both */
};

enum {
	FEATURES = 256, /* room for */
};

static int ethtool(int sk, const char *name, void *cmd)
{
	struct ifreq req = { .ifr_data = cmd };

	snprintf(req.ifr_name, sizeof(req.ifr_name), "%s", name);
	return ioctl(sk, SIOCETHTOOL, &req);
}

/* The bits of what is wanted, as TUNSETOFFLOAD had them. */
static int read_offloads(NetDeviceEntry *e, struct img_err *err)
{
	cleanup_free struct ethtool_gstrings *names = calloc(1, sizeof(*names) + FEATURES * ETH_GSTRING_LEN);
	cleanup_free struct ethtool_gfeatures *now = calloc(1, sizeof(*now) + FEATURES / 32 * sizeof(now->features[0]));
	cleanup_fd int sk = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (!names || !now)
		return img_fail_nomem(err);
	if (sk < 0)
		return img_fail_sys(err, "socket");
	now->cmd = ETHTOOL_GFEATURES;
	now->size = FEATURES / 32;
	*names = (struct ethtool_gstrings){ .cmd = ETHTOOL_GSTRINGS, .string_set = ETH_SS_FEATURES, .len = FEATURES };
	if (ethtool(sk, e->name, now) < 0 || ethtool(sk, e->name, names) < 0)
		return img_fail_sys(err, "features of device %s", e->name);
	e->tun->offload = 0;
	for (uint32_t i = 0; i < names->len && i < FEATURES; i++)
		for (size_t k = 0; k < ARRAY_SIZE(offloads); k++)
			if (!strncmp((const char *)names->data + i * ETH_GSTRING_LEN, offloads[k].feature, ETH_GSTRING_LEN) &&
				now->features[i / 32].requested & (1u << (i % 32)))
				e->tun->offload |= offloads[k].bit;
	e->tun->has_offload = 1;
	return 0;
}

int net_tun_look(struct dump *d, const struct dump_namespace *ns, NetDeviceEntry *e, struct img_err *err)
{
	const struct dump_tun *seen = dump_tun_find(d, ns->id, e->name);
	struct dump_tun own = { 0 };

	if (!seen && !(e->tun->flags & IFF_PERSIST))
		return img_fail(err, IMG_UNSUPPORTED,
			"a tun device that is not persistent, and that no task of the tree has open, is not supported");
	if (!seen && look_ourselves(e, &own, err) < 0)
		return -1;
	if (!seen)
		seen = &own;
	e->tun->vnethdr = seen->vnethdr;
	e->tun->sndbuf = seen->sndbuf;
	e->tun->has_vnet_le = e->tun->vnet_le = seen->vnet_le;
	e->tun->has_vnet_be = e->tun->vnet_be = seen->vnet_be;
	return read_offloads(e, err);
}
