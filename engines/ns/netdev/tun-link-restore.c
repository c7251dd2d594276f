/* engines/ns/netdev/tun-link-restore.c -- a tun or tap device, made persistent. One that was not becomes so again when the first file is
 * attached to it (engines/fd/tun). Facts: drivers/net/tun.c. */

#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <linux/if_tun.h>

#include "criu-restore/net-own.h"
#include "criuimg/array.h"
#include "criuimg/cleanup.h"

/* Options of the device, set by way of any file attached to it. */
static int set_options(int fd, const TunLinkEntry *tun, struct img_err *err)
{
	const struct {
		const char *what;
		unsigned long request;
		bool wanted, by_pointer;
		unsigned value;
	} options[] = {
		{ "TUNSETOWNER", TUNSETOWNER, tun->owner != -1, false, (unsigned)tun->owner },
		{ "TUNSETGROUP", TUNSETGROUP, tun->group != -1, false, (unsigned)tun->group },
		{ "TUNSETVNETHDRSZ", TUNSETVNETHDRSZ, tun->vnethdr != 10, true, tun->vnethdr },
		{ "TUNSETSNDBUF", TUNSETSNDBUF, tun->sndbuf != INT32_MAX, true, tun->sndbuf },
		{ "TUNSETVNETLE", TUNSETVNETLE, tun->vnet_le, true, 1 },
		{ "TUNSETVNETBE", TUNSETVNETBE, tun->vnet_be, true, 1 },
		{ "TUNSETOFFLOAD", TUNSETOFFLOAD, tun->offload != 0, false, tun->offload },
		{ "TUNSETPERSIST", TUNSETPERSIST, true, false, 1 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(options); i++) {
		unsigned value = options[i].value;

		if (options[i].wanted &&
			ioctl(fd, options[i].request, options[i].by_pointer ? (unsigned long)(uintptr_t)&value : value) < 0)
			return img_fail_sys(err, "%s %#x", options[i].what, value);
	}
	return 0;
}

int net_tun_make(struct restore *r, const NetDeviceEntry *e, struct img_err *err)
{
	cleanup_fd int fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC);
	struct ifreq req = { .ifr_flags = (short)(e->tun->flags & ~(uint32_t)IFF_PERSIST) };
	unsigned index = e->ifindex;

	(void)r;
	snprintf(req.ifr_name, sizeof(req.ifr_name), "%s", e->name);
	if (fd < 0)
		return img_fail_sys(err, "/dev/net/tun");
	if (ioctl(fd, TUNSETIFINDEX, &index) < 0 || ioctl(fd, TUNSETIFF, &req) < 0)
		return img_fail_sys(err, "TUNSETIFF, flags %#x", e->tun->flags);
	return set_options(fd, e->tun, err);
}
