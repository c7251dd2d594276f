/* tests/kinds/netdev/lo.c -- a network namespace of its own: the loopback device is up, and settings of it.
 *
 * harness: places: host
 */

#include <net/if.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "tests/harness/subject.h"

static int flags(int set)
{
	int sk = socket(AF_INET, SOCK_DGRAM, 0);
	struct ifreq req = { .ifr_name = "lo" };

	MUST(sk >= 0 && ioctl(sk, SIOCGIFFLAGS, &req) == 0);
	if (set) {
		req.ifr_flags |= IFF_UP;
		MUST(ioctl(sk, SIOCSIFFLAGS, &req) == 0);
	}
	close(sk);
	return req.ifr_flags;
}

int main(int argc, char **argv)
{
	char now[8] = "";
	int fd;

	MUST(unshare(CLONE_NEWNET) == 0);
	flags(1);
	fd = open("/proc/sys/net/ipv4/conf/lo/forwarding", O_WRONLY);
	MUST(fd >= 0 && write(fd, "1", 1) == 1);
	close(fd);
	subject_begin(argc, argv);

	subject_wait();

	CHECK(flags(0) & IFF_UP, "lo is down");
	fd = open("/proc/sys/net/ipv4/conf/lo/forwarding", O_RDONLY);
	MUST(fd >= 0 && read(fd, now, 7) > 0);
	close(fd);
	CHECK(now[0] == '1', "forwarding is %s", now);
	return subject_end();
}
