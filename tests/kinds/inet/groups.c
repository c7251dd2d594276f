/* tests/kinds/inet/groups.c -- memberships in multicast groups, IPv4 and IPv6: of any source, of some, of all but some; each socket keeps its own, and gets
 * what is sent to its groups, and to no other. */
/* harness: peer: CRIU 4.2 loses memberships */

#include <net/if.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdbool.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "tests/harness/subject.h"

static struct sockaddr_storage address(int family, const char *text, unsigned last)
{
	struct sockaddr_storage sa = { .ss_family = (sa_family_t)family };
	struct sockaddr_in *v4 = (struct sockaddr_in *)&sa;
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)&sa;

	if (family == AF_INET) {
		v4->sin_addr.s_addr = htonl((239u << 24) | 1 << 16 | last);
		if (text)
			v4->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	} else {
		v6->sin6_addr.s6_addr[0] = 0xff;
		v6->sin6_addr.s6_addr[1] = 0x15;
		v6->sin6_addr.s6_addr[15] = (uint8_t)last;
		if (text)
			v6->sin6_addr = in6addr_loopback;
	}
	return sa;
}

static int level_of(int family)
{
	return family == AF_INET ? IPPROTO_IP : IPPROTO_IPV6;
}

static int make(int family)
{
	int fd = socket(family, SOCK_DGRAM, 0);
	struct sockaddr_storage any = { .ss_family = (sa_family_t)family };

	MUST(fd >= 0 && bind(fd, (struct sockaddr *)&any, family == AF_INET ? sizeof(struct sockaddr_in) : sizeof(struct sockaddr_in6)) == 0);
	MUST(setsockopt(fd, level_of(family), family == AF_INET ? IP_MULTICAST_ALL : 29 /* IPV6_MULTICAST_ALL */, &(int){ 0 }, sizeof(int)) == 0);
	return fd;
}

static void join(int fd, int family, unsigned group)
{
	struct group_req req = { .gr_interface = if_nametoindex("lo"), .gr_group = address(family, NULL, group) };

	MUST(setsockopt(fd, level_of(family), MCAST_JOIN_GROUP, &req, sizeof(req)) == 0);
}

/* how: MCAST_JOIN_SOURCE_GROUP, MCAST_BLOCK_SOURCE. The source is this host. */
static void source(int fd, int family, unsigned group, int how, bool other)
{
	struct group_source_req req = { .gsr_interface = if_nametoindex("lo"), .gsr_group = address(family, NULL, group),
		.gsr_source = address(family, "localhost", 0) };

	if (other && family == AF_INET)
		((struct sockaddr_in *)&req.gsr_source)->sin_addr.s_addr = htonl(0x0a000001);
	else if (other)
		((struct sockaddr_in6 *)&req.gsr_source)->sin6_addr.s6_addr[0] = 0xfd;
	MUST(setsockopt(fd, level_of(family), how, &req, sizeof(req)) == 0);
}

/* Does what this host sends to the group come? The loopback device has no route for groups of IPv6: there the filter tells. */
static bool comes_v6(int fd, unsigned group)
{
	struct {
		struct group_filter f;
		struct sockaddr_storage more;
	} f = { .f = { .gf_interface = if_nametoindex("lo"), .gf_group = address(AF_INET6, NULL, group), .gf_numsrc = 2 } };
	struct sockaddr_storage host = address(AF_INET6, "localhost", 0);
	socklen_t len = sizeof(f);
	bool named = false;

	if (getsockopt(fd, IPPROTO_IPV6, MCAST_MSFILTER, &f, &len) < 0)
		return false;
	for (uint32_t i = 0; i < f.f.gf_numsrc && i < 2; i++)
		named |= !memcmp(&((struct sockaddr_in6 *)&f.f.gf_slist[i])->sin6_addr, &((struct sockaddr_in6 *)&host)->sin6_addr, 16);
	return named == (f.f.gf_fmode == MCAST_INCLUDE);
}

static bool comes_v4(int fd, unsigned group)
{
	struct sockaddr_storage own, to = address(AF_INET, NULL, group), from = address(AF_INET, "localhost", 0);
	struct ip_mreqn dev = { .imr_ifindex = (int)if_nametoindex("lo") };
	socklen_t len = sizeof(own), size = sizeof(struct sockaddr_in);
	int out = socket(AF_INET, SOCK_DGRAM, 0);
	char c = 0;

	MUST(getsockname(fd, (struct sockaddr *)&own, &len) == 0 && bind(out, (struct sockaddr *)&from, size) == 0);
	((struct sockaddr_in *)&to)->sin_port = ((struct sockaddr_in *)&own)->sin_port;
	MUST(setsockopt(out, IPPROTO_IP, IP_MULTICAST_IF, &dev, sizeof(dev)) == 0);
	MUST(sendto(out, "m", 1, 0, (struct sockaddr *)&to, size) == 1);
	close(out);
	return poll(&(struct pollfd){ .fd = fd, .events = POLLIN }, 1, 100) == 1 && recv(fd, &c, 1, 0) == 1 && c == 'm';
}

static bool comes(int fd, int family, unsigned group)
{
	return family == AF_INET ? comes_v4(fd, group) : comes_v6(fd, group);
}

static void up(void)
{
	struct ifreq ifr = { .ifr_name = "lo" };
	int fd = socket(AF_INET, SOCK_DGRAM, 0);

	MUST(ioctl(fd, SIOCGIFFLAGS, &ifr) == 0);
	ifr.ifr_flags |= IFF_UP | IFF_MULTICAST;
	MUST(ioctl(fd, SIOCSIFFLAGS, &ifr) == 0);
	close(fd);
}

static const struct {
	unsigned group;
	bool expected[3];
} tests[] = {
	{ 1, { true, false, false } },	/* any source */
	{ 2, { false, true, false } },	/* this source */
	{ 3, { false, false, false } }, /* another source */
	{ 4, { false, true, false } },	/* all but another one */
	{ 5, { true, false, false } },	/* any, again */
	{ 6, { false, false, false } }, /* nobody is in it */
};

static void check(int fds[3], int family)
{
	for (size_t i = 0; i < sizeof(tests) / sizeof(*tests); i++)
		for (int k = 0; k < 3; k++)
			CHECK(comes(fds[k], family, tests[i].group) == tests[i].expected[k], "IPv%d: socket %d %s what is sent to group %u",
				family == AF_INET ? 4 : 6, k, tests[i].expected[k] ? "does not get" : "gets", tests[i].group);
}

int main(int argc, char **argv)
{
	static const int families[] = { AF_INET, AF_INET6 };
	int fds[2][3];

	subject_begin(argc, argv);
	up();
	for (int f = 0; f < 2; f++) {
		for (int k = 0; k < 3; k++)
			fds[f][k] = make(families[f]);
		join(fds[f][0], families[f], 1);
		join(fds[f][0], families[f], 5);
		source(fds[f][1], families[f], 2, MCAST_JOIN_SOURCE_GROUP, false);
		source(fds[f][1], families[f], 3, MCAST_JOIN_SOURCE_GROUP, true);
		join(fds[f][1], families[f], 4);
		source(fds[f][1], families[f], 4, MCAST_BLOCK_SOURCE, true);
		check(fds[f], families[f]);
	}

	subject_wait();

	for (int f = 0; f < 2; f++)
		check(fds[f], families[f]);
	return subject_end();
}
