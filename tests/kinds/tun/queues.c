/* tests/kinds/tun/queues.c -- tun and tap devices: one that goes with its file, one of two queues with one of them detached, a persistent one
 * that nobody has open, and a file without a device.
 *
 * harness: places: host
 */

#include <linux/if.h>
#include <linux/if_tun.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "tests/harness/netns.h"

static int open_tun(const char *name, int flags)
{
	struct ifreq req = { .ifr_flags = (short)flags };
	int fd = open("/dev/net/tun", O_RDWR);

	if (fd >= 0 && name) {
		snprintf(req.ifr_name, sizeof(req.ifr_name), "%s", name);
		MUST(ioctl(fd, TUNSETIFF, &req) == 0);
	}
	return fd;
}

static int queue(int fd, int flags)
{
	struct ifreq req = { .ifr_flags = (short)flags };

	return ioctl(fd, TUNSETQUEUE, &req);
}

/* 0: it has no device. */
static int flags_of(int fd, char *name)
{
	struct ifreq req = { 0 };

	if (ioctl(fd, TUNGETIFF, &req) < 0)
		return 0;
	strcpy(name, req.ifr_name);
	return (unsigned short)req.ifr_flags;
}

int main(int argc, char **argv)
{
	int fds[5], sndbuf = 100000, size = 12, now, persistent;
	char name[5][IFNAMSIZ] = { "" }, is[IFNAMSIZ];
	int flags[5];

	MUST(unshare(CLONE_NEWNET) == 0);
	fds[0] = open_tun(NULL, 0);
	if (fds[0] < 0) {
		subject_begin(argc, argv);
		subject_skip("no /dev/net/tun");
	}
	fds[1] = open_tun("one", IFF_TUN | IFF_NO_PI | IFF_VNET_HDR);
	fds[2] = open_tun("two", IFF_TAP | IFF_MULTI_QUEUE);
	fds[3] = open_tun("two", IFF_TAP | IFF_MULTI_QUEUE);
	fds[4] = open_tun("four", IFF_TAP | IFF_NO_PI);
	MUST(queue(fds[3], IFF_DETACH_QUEUE) == 0);
	MUST(ioctl(fds[1], TUNSETVNETHDRSZ, &size) == 0 && ioctl(fds[1], TUNSETSNDBUF, &sndbuf) == 0);
	MUST(ioctl(fds[1], TUNSETOFFLOAD, TUN_F_CSUM | TUN_F_TSO4) == 0);
	MUST(ioctl(fds[4], TUNSETOWNER, 1000) == 0 && fcntl(fds[4], F_SETFL, O_RDWR | O_NONBLOCK) == 0);
	persistent = open_tun("stays", IFF_TUN);
	MUST(ioctl(persistent, TUNSETPERSIST, 1) == 0 && close(persistent) == 0);
	for (int i = 0; i < 5; i++)
		flags[i] = flags_of(fds[i], name[i]);
	subject_begin(argc, argv);

	subject_wait();

	for (int i = 0; i < 5; i++) {
		is[0] = '\0';
		CHECK(flags_of(fds[i], is) == flags[i], "file %d has the flags %#x in place of %#x", i, flags_of(fds[i], is), flags[i]);
		CHECK(!strcmp(is, name[i]), "file %d is of '%s' in place of '%s'", i, is, name[i]);
	}
	CHECK(ioctl(fds[1], TUNGETVNETHDRSZ, &now) == 0 && now == size, "the header has %d bytes", now);
	CHECK(ioctl(fds[1], TUNGETSNDBUF, &now) == 0 && now == sndbuf, "the buffer has %d bytes", now);
	CHECK(fcntl(fds[4], F_GETFL) & O_NONBLOCK, "it blocks");
	CHECK(netns_try("ip -d link show four | grep -q 'user '"), "the owner is lost");
	CHECK(netns_try("! ip -d link show four | grep -q 'persist on'"), "it has become persistent");
	CHECK(netns_try("ip -d link show stays | grep -q 'persist on'"), "it is not persistent");
	CHECK(queue(fds[3], IFF_ATTACH_QUEUE) == 0, "the queue cannot be attached");
	close(fds[1]);
	CHECK(netns_try("! ip link show one"), "it stays without its file");
	return subject_end();
}
