/* tests/kinds/inet/sockets.c -- sockets without a connection: UDP bound and connected, listening TCP of one port twice, raw ones, IPv6; their
 * options, a filter that stays for good. */
/* harness: peer: CRIU 4.2 loses IP_RECVTTL, IP_MTU_DISCOVER, SO_TIMESTAMPNS, the hop limit of IPv6, TCP_DEFER_ACCEPT, SO_LOCK_FILTER */

#include <linux/filter.h>
#include <netinet/in.h>
#include <netinet/ip.h>
#include <netinet/tcp.h>
#include <netinet/udp.h>
#include <stdbool.h>
#include <sys/socket.h>

#include "tests/harness/subject.h"

static int fds[16];
static struct {
	struct sockaddr_storage own, peer;
	bool has_peer;
} before[16];
static int nr;

static const struct {
	int level, name, value;
} options[] = {
	{ IPPROTO_IP, IP_TTL, 33 },
	{ IPPROTO_IP, IP_TOS, IPTOS_LOWDELAY },
	{ IPPROTO_IP, IP_RECVTTL, 1 },
	{ IPPROTO_IP, IP_PKTINFO, 1 },
	{ IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_DO },
	{ SOL_SOCKET, SO_PRIORITY, 5 },
	{ SOL_SOCKET, SO_BROADCAST, 1 },
	{ SOL_SOCKET, SO_TIMESTAMPNS, 1 },
	{ SOL_SOCKET, SO_MARK, 0x77 },
};

static int make(int family, int type, int protocol)
{
	fds[nr] = socket(family, type, protocol);
	MUST(fds[nr] >= 0);
	return fds[nr++];
}

static void bind_to(int fd, int family, bool peer)
{
	struct sockaddr_in v4 = { .sin_family = AF_INET, .sin_addr = { htonl(INADDR_LOOPBACK) }, .sin_port = htons(peer ? 9 : 0) };
	struct sockaddr_in6 v6 = { .sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT, .sin6_port = htons(peer ? 9 : 0) };
	void *addr = family == AF_INET ? (void *)&v4 : (void *)&v6;
	socklen_t len = family == AF_INET ? sizeof(v4) : sizeof(v6);

	MUST((peer ? connect(fd, addr, len) : bind(fd, addr, len)) == 0);
}

static void set(int fd, int level, int name, int value)
{
	MUST(setsockopt(fd, level, name, &value, sizeof(value)) == 0);
}

static void check(int fd, int level, int name, int want)
{
	int value = 0;
	socklen_t len = sizeof(value);

	CHECK(getsockopt(fd, level, name, &value, &len) == 0 && value == want, "fd %d: option %d/%d is %d, not %d", fd, level, name,
		value, want);
}

static void look(int i)
{
	socklen_t len = sizeof(before[i].own);

	MUST(getsockname(fds[i], (struct sockaddr *)&before[i].own, &len) == 0);
	len = sizeof(before[i].peer);
	before[i].has_peer = getpeername(fds[i], (struct sockaddr *)&before[i].peer, &len) == 0;
}

static void compare(int i)
{
	struct sockaddr_storage own = { 0 }, peer = { 0 };
	socklen_t len = sizeof(own);

	CHECK(getsockname(fds[i], (struct sockaddr *)&own, &len) == 0 && !memcmp(&own, &before[i].own, sizeof(own)),
		"fd %d has another address", fds[i]);
	len = sizeof(peer);
	CHECK((getpeername(fds[i], (struct sockaddr *)&peer, &len) == 0) == before[i].has_peer &&
		      !memcmp(&peer, &before[i].peer, sizeof(peer)), "fd %d has another peer", fds[i]);
}

int main(int argc, char **argv)
{
	struct sock_filter drop[] = { BPF_STMT(BPF_LD | BPF_W | BPF_LEN, 0), BPF_STMT(BPF_RET | BPF_K, 0) };
	struct sock_fprog program = { 2, drop };
	struct sockaddr_storage addr;
	socklen_t len = sizeof(addr);
	int udp, udp6, listener, second, v6only, filtered;
	char c;

	subject_begin(argc, argv);
	udp = make(AF_INET, SOCK_DGRAM, 0);
	bind_to(udp, AF_INET, false);
	for (size_t i = 0; i < sizeof(options) / sizeof(*options); i++)
		set(udp, options[i].level, options[i].name, options[i].value);
	udp6 = make(AF_INET6, SOCK_DGRAM, 0);
	bind_to(udp6, AF_INET6, false);
	bind_to(udp6, AF_INET6, true);
	set(udp6, IPPROTO_IPV6, IPV6_UNICAST_HOPS, 7);
	set(udp6, IPPROTO_IPV6, IPV6_TCLASS, 0x20);
	set(udp6, IPPROTO_IPV6, IPV6_RECVPKTINFO, 1);
	make(AF_INET, SOCK_DGRAM, IPPROTO_UDPLITE);
	make(AF_INET, SOCK_RAW, IPPROTO_ICMP);
	listener = make(AF_INET, SOCK_STREAM, 0);
	set(listener, SOL_SOCKET, SO_REUSEPORT, 1);
	bind_to(listener, AF_INET, false);
	MUST(listen(listener, 5) == 0 && getsockname(listener, (struct sockaddr *)&addr, &len) == 0);
	set(listener, IPPROTO_TCP, TCP_DEFER_ACCEPT, 3);
	second = make(AF_INET, SOCK_STREAM, 0);
	set(second, SOL_SOCKET, SO_REUSEPORT, 1);
	MUST(bind(second, (struct sockaddr *)&addr, len) == 0 && listen(second, 7) == 0);
	v6only = make(AF_INET6, SOCK_STREAM, 0);
	set(v6only, IPPROTO_IPV6, IPV6_V6ONLY, 1);
	bind_to(v6only, AF_INET6, false);
	MUST(setsockopt(v6only, SOL_SOCKET, SO_BINDTODEVICE, "lo", 2) == 0);
	filtered = make(AF_INET, SOCK_DGRAM, 0);
	bind_to(filtered, AF_INET, false);
	MUST(setsockopt(filtered, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof(program)) == 0);
	set(filtered, SOL_SOCKET, SO_LOCK_FILTER, 1);
	make(AF_INET, SOCK_STREAM, 0); /* as it was made */
	for (int i = 0; i < nr; i++)
		look(i);

	subject_wait();

	for (int i = 0; i < nr; i++)
		compare(i);
	for (size_t i = 0; i < sizeof(options) / sizeof(*options); i++)
		check(udp, options[i].level, options[i].name, options[i].value);
	check(udp6, IPPROTO_IPV6, IPV6_UNICAST_HOPS, 7);
	check(udp6, IPPROTO_IPV6, IPV6_TCLASS, 0x20);
	check(udp6, IPPROTO_IPV6, IPV6_RECVPKTINFO, 1);
	check(listener, SOL_SOCKET, SO_REUSEPORT, 1);
	check(listener, SOL_SOCKET, SO_REUSEADDR, 0);
	check(listener, SOL_SOCKET, SO_ACCEPTCONN, 1);
	check(listener, IPPROTO_TCP, TCP_DEFER_ACCEPT, 3);
	check(v6only, IPPROTO_IPV6, IPV6_V6ONLY, 1);
	check(filtered, SOL_SOCKET, SO_LOCK_FILTER, 1);
	MUST(getsockname(filtered, (struct sockaddr *)&addr, &len) == 0);
	CHECK(sendto(udp, "x", 1, 0, (struct sockaddr *)&addr, len) == 1 && recv(filtered, &c, 1, MSG_DONTWAIT) < 0,
		"the filter lets something through");
	MUST(getsockname(udp, (struct sockaddr *)&addr, &len) == 0);
	CHECK(sendto(filtered, "y", 1, 0, (struct sockaddr *)&addr, len) == 1 && recv(udp, &c, 1, 0) == 1 && c == 'y',
		"nothing comes to the bound socket");
	return subject_end();
}
