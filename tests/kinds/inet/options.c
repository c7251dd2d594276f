/* tests/kinds/inet/options.c -- every option of the man pages socket(7), ip(7), ipv6(7), tcp(7), udp(7), raw(7) that can be read back, on a socket of its own
 * each; afterwards all that getsockopt(2) tells of all these sockets is what it was, options that nobody has heard of included. */
/* harness: peer: CRIU 4.2 loses most of them */

#include <netinet/in.h>
#include <netinet/ip.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "tests/harness/subject.h"

enum { TCP, UDP, LITE, RAW, KINDS };

static const struct {
	int type, protocol;
} kinds[KINDS] = {
	[TCP] = { SOCK_STREAM, 0 },
	[UDP] = { SOCK_DGRAM, 0 },
	[LITE] = { SOCK_DGRAM, IPPROTO_UDPLITE },
	[RAW] = { SOCK_RAW, 200 },
};

enum { V4 = 1 << 4, V6 = 1 << 5 };

/* A number: names that headers may lack are given as such. */
static const struct {
	int level, name, value;
	int where; /* V4, V6, and the kind */
} options[] = {
	{ SOL_SOCKET, SO_DEBUG, 1, V4 | UDP },
	{ SOL_SOCKET, SO_DONTROUTE, 1, V4 | UDP },
	{ SOL_SOCKET, SO_BROADCAST, 1, V4 | UDP },
	{ SOL_SOCKET, SO_SNDBUF, 40000, V4 | TCP },
	{ SOL_SOCKET, SO_RCVBUF, 40000, V6 | UDP },
	{ SOL_SOCKET, SO_KEEPALIVE, 1, V4 | TCP },
	{ SOL_SOCKET, SO_OOBINLINE, 1, V6 | TCP },
	{ SOL_SOCKET, SO_NO_CHECK, 1, V4 | UDP },
	{ SOL_SOCKET, SO_PRIORITY, 4, V6 | UDP },
	{ SOL_SOCKET, SO_REUSEADDR, 1, V4 | UDP },
	{ SOL_SOCKET, SO_REUSEPORT, 1, V6 | TCP },
	{ SOL_SOCKET, SO_RCVLOWAT, 99, V4 | TCP },
	{ SOL_SOCKET, SO_TIMESTAMP, 1, V4 | UDP },
	{ SOL_SOCKET, SO_TIMESTAMPNS, 1, V6 | UDP },
	{ SOL_SOCKET, SO_TIMESTAMPING, 0x19, V4 | UDP },
	{ SOL_SOCKET, 63 /* SO_TIMESTAMP_NEW */, 1, V4 | UDP },
	{ SOL_SOCKET, 64 /* SO_TIMESTAMPNS_NEW */, 1, V4 | UDP },
	{ SOL_SOCKET, 65 /* SO_TIMESTAMPING_NEW */, 0x18, V6 | TCP },
	{ SOL_SOCKET, SO_MARK, 0x1234, V4 | TCP },
	{ SOL_SOCKET, SO_RXQ_OVFL, 1, V4 | UDP },
	{ SOL_SOCKET, SO_WIFI_STATUS, 1, V4 | UDP },
	{ SOL_SOCKET, SO_PEEK_OFF, 0, V4 | UDP },
	{ SOL_SOCKET, SO_NOFCS, 1, V4 | RAW },
	{ SOL_SOCKET, SO_LOCK_FILTER, 1, V4 | UDP },
	{ SOL_SOCKET, SO_SELECT_ERR_QUEUE, 1, V4 | UDP },
	{ SOL_SOCKET, SO_BUSY_POLL, 50, V4 | TCP },
	{ SOL_SOCKET, SO_MAX_PACING_RATE, 1000000, V4 | TCP },
	{ SOL_SOCKET, SO_INCOMING_CPU, 0, V4 | UDP },
	{ SOL_SOCKET, 60 /* SO_ZEROCOPY */, 1, V4 | TCP },
	{ SOL_SOCKET, 69 /* SO_PREFER_BUSY_POLL */, 1, V6 | UDP },
	{ SOL_SOCKET, 72 /* SO_BUF_LOCK */, 1, V6 | UDP },
	{ SOL_SOCKET, 74 /* SO_TXREHASH */, 0, V4 | TCP },
	{ SOL_SOCKET, 75 /* SO_RCVMARK */, 1, V4 | UDP },
	{ SOL_SOCKET, 82 /* SO_RCVPRIORITY */, 1, V4 | UDP },
	{ IPPROTO_IP, IP_TOS, 0x10, V4 | UDP },
	{ IPPROTO_IP, IP_TOS, 0x08, V6 | UDP },
	{ IPPROTO_IP, IP_TTL, 9, V4 | TCP },
	{ IPPROTO_IP, IP_TTL, 11, V6 | TCP },
	{ IPPROTO_IP, IP_HDRINCL, 1, V4 | RAW },
	{ IPPROTO_IP, IP_NODEFRAG, 1, V4 | RAW },
	{ IPPROTO_IP, IP_RECVOPTS, 1, V4 | UDP },
	{ IPPROTO_IP, IP_RETOPTS, 1, V4 | UDP },
	{ IPPROTO_IP, IP_PKTINFO, 1, V4 | UDP },
	{ IPPROTO_IP, IP_PKTINFO, 1, V6 | UDP },
	{ IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_PROBE, V4 | UDP },
	{ IPPROTO_IP, IP_RECVERR, 1, V4 | UDP },
	{ IPPROTO_IP, 26 /* IP_RECVERR_RFC4884 */, 1, V4 | UDP },
	{ IPPROTO_IP, IP_RECVTTL, 1, V4 | UDP },
	{ IPPROTO_IP, IP_RECVTOS, 1, V4 | UDP },
	{ IPPROTO_IP, IP_FREEBIND, 1, V4 | TCP },
	{ IPPROTO_IP, IP_PASSSEC, 1, V4 | UDP },
	{ IPPROTO_IP, IP_TRANSPARENT, 1, V4 | UDP },
	{ IPPROTO_IP, IP_RECVORIGDSTADDR, 1, V4 | UDP },
	{ IPPROTO_IP, IP_MINTTL, 3, V4 | TCP },
	{ IPPROTO_IP, IP_CHECKSUM, 1, V4 | UDP },
	{ IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, 1, V4 | TCP },
	{ IPPROTO_IP, IP_RECVFRAGSIZE, 1, V4 | UDP },
	{ IPPROTO_IP, IP_MULTICAST_TTL, 7, V4 | UDP },
	{ IPPROTO_IP, IP_MULTICAST_LOOP, 0, V4 | UDP },
	{ IPPROTO_IP, IP_MULTICAST_ALL, 0, V4 | UDP },
	{ IPPROTO_IP, IP_MULTICAST_IF, 0x0100007f, V4 | UDP },
	{ IPPROTO_IP, IP_UNICAST_IF, 1 << 24, V4 | UDP },
	{ IPPROTO_IP, 51 /* IP_LOCAL_PORT_RANGE */, 40000 | 41000 << 16, V4 | TCP },
	{ IPPROTO_IPV6, IPV6_V6ONLY, 1, V6 | UDP },
	{ IPPROTO_IPV6, IPV6_UNICAST_HOPS, 12, V6 | UDP },
	{ IPPROTO_IPV6, IPV6_MULTICAST_HOPS, 13, V6 | UDP },
	{ IPPROTO_IPV6, IPV6_MULTICAST_LOOP, 0, V6 | UDP },
	{ IPPROTO_IPV6, IPV6_MULTICAST_IF, 1, V6 | UDP },
	{ IPPROTO_IPV6, 29 /* IPV6_MULTICAST_ALL */, 0, V6 | UDP },
	{ IPPROTO_IPV6, IPV6_UNICAST_IF, 1 << 24, V6 | UDP },
	{ IPPROTO_IPV6, IPV6_MTU_DISCOVER, 2, V6 | UDP },
	{ IPPROTO_IPV6, IPV6_RECVERR, 1, V6 | UDP },
	{ IPPROTO_IPV6, 31 /* IPV6_RECVERR_RFC4884 */, 1, V6 | UDP },
	{ IPPROTO_IPV6, IPV6_RECVPKTINFO, 1, V6 | UDP },
	{ IPPROTO_IPV6, IPV6_RECVHOPLIMIT, 1, V6 | UDP },
	{ IPPROTO_IPV6, IPV6_RECVHOPOPTS, 1, V6 | UDP },
	{ IPPROTO_IPV6, IPV6_RECVRTHDR, 1, V6 | UDP },
	{ IPPROTO_IPV6, IPV6_RECVDSTOPTS, 1, V6 | UDP },
	{ IPPROTO_IPV6, IPV6_RECVPATHMTU, 1, V6 | UDP },
	{ IPPROTO_IPV6, IPV6_RECVTCLASS, 1, V6 | UDP },
	{ IPPROTO_IPV6, IPV6_TCLASS, 0x40, V6 | TCP },
	{ IPPROTO_IPV6, IPV6_DONTFRAG, 1, V6 | UDP },
	{ IPPROTO_IPV6, IPV6_AUTOFLOWLABEL, 0, V6 | UDP },
	{ IPPROTO_IPV6, IPV6_ADDR_PREFERENCES, 4, V6 | UDP },
	{ IPPROTO_IPV6, IPV6_MINHOPCOUNT, 3, V6 | TCP },
	{ IPPROTO_IPV6, IPV6_RECVORIGDSTADDR, 1, V6 | UDP },
	{ IPPROTO_IPV6, IPV6_TRANSPARENT, 1, V6 | UDP },
	{ IPPROTO_IPV6, IPV6_FREEBIND, 1, V6 | UDP },
	{ IPPROTO_IPV6, IPV6_RECVFRAGSIZE, 1, V6 | UDP },
	{ IPPROTO_IPV6, IPV6_2292PKTINFO, 1, V6 | UDP },
	{ IPPROTO_IPV6, IPV6_2292HOPLIMIT, 1, V6 | UDP },
	{ IPPROTO_IPV6, 11 /* IPV6_FLOWINFO */, 1, V6 | UDP },
	{ IPPROTO_IPV6, 33 /* IPV6_FLOWINFO_SEND */, 1, V6 | UDP },
	{ IPPROTO_IPV6, 7 /* IPV6_CHECKSUM */, 4, V6 | RAW },
	{ IPPROTO_IPV6, 36 /* IPV6_HDRINCL */, 1, V6 | RAW },
	{ IPPROTO_TCP, TCP_NODELAY, 1, V4 | TCP },
	{ IPPROTO_TCP, TCP_CORK, 1, V4 | TCP },
	{ IPPROTO_TCP, TCP_MAXSEG, 700, V4 | TCP },
	{ IPPROTO_TCP, TCP_KEEPIDLE, 70, V4 | TCP },
	{ IPPROTO_TCP, TCP_KEEPINTVL, 17, V4 | TCP },
	{ IPPROTO_TCP, TCP_KEEPCNT, 5, V4 | TCP },
	{ IPPROTO_TCP, TCP_SYNCNT, 3, V4 | TCP },
	{ IPPROTO_TCP, TCP_LINGER2, 30, V4 | TCP },
	{ IPPROTO_TCP, TCP_DEFER_ACCEPT, 3, V4 | TCP },
	{ IPPROTO_TCP, TCP_WINDOW_CLAMP, 30000, V4 | TCP },
	{ IPPROTO_TCP, TCP_THIN_LINEAR_TIMEOUTS, 1, V4 | TCP },
	{ IPPROTO_TCP, TCP_USER_TIMEOUT, 4321, V4 | TCP },
	{ IPPROTO_TCP, TCP_FASTOPEN_CONNECT, 1, V4 | TCP },
	{ IPPROTO_TCP, 34 /* TCP_FASTOPEN_NO_COOKIE */, 1, V4 | TCP },
	{ IPPROTO_TCP, TCP_NOTSENT_LOWAT, 8192, V4 | TCP },
	{ IPPROTO_TCP, TCP_SAVE_SYN, 1, V4 | TCP },
	{ IPPROTO_TCP, TCP_INQ, 1, V4 | TCP },
	{ IPPROTO_TCP, 37 /* TCP_TX_DELAY */, 5, V4 | TCP },
	{ IPPROTO_TCP, 44 /* TCP_RTO_MAX_MS */, 9000, V4 | TCP },
	{ IPPROTO_TCP, 45 /* TCP_RTO_MIN_US */, 150000, V4 | TCP },
	{ IPPROTO_TCP, 46 /* TCP_DELACK_MAX_US */, 90000, V4 | TCP },
	{ IPPROTO_UDP, 101 /* UDP_NO_CHECK6_TX */, 1, V6 | UDP },
	{ IPPROTO_UDP, 102 /* UDP_NO_CHECK6_RX */, 1, V6 | UDP },
	{ IPPROTO_UDP, 103 /* UDP_SEGMENT */, 900, V4 | UDP },
	{ IPPROTO_UDP, 104 /* UDP_GRO */, 1, V4 | UDP },
	{ IPPROTO_UDPLITE, 10 /* UDPLITE_SEND_CSCOV */, 20, V4 | LITE },
	{ IPPROTO_UDPLITE, 11 /* UDPLITE_RECV_CSCOV */, 20, V4 | LITE },
};

/* What is not a number. */
static const struct {
	int level, name, where;
	unsigned char data[16];
	socklen_t len;
} others[] = {
	{ SOL_SOCKET, SO_BINDTODEVICE, V4 | UDP, "lo", 2 },
	{ SOL_SOCKET, SO_LINGER, V4 | TCP, { 1, 0, 0, 0, 9 }, sizeof(struct linger) },
	{ SOL_SOCKET, SO_RCVTIMEO, V4 | TCP, { 3 }, 16 },
	{ SOL_SOCKET, SO_SNDTIMEO, V4 | UDP, { 4 }, 16 },
	{ SOL_SOCKET, 61 /* SO_TXTIME */, V4 | UDP, { 1, 0, 0, 0, 2 }, 8 },
	{ IPPROTO_IP, IP_OPTIONS, V4 | UDP, { 1, 1, 1, 0 }, 4 },
	{ IPPROTO_IP, IP_OPTIONS, V4 | TCP, { 1, 1, 1, 0 }, 4 },
	{ IPPROTO_IPV6, IPV6_DSTOPTS, V6 | UDP, { 0, 0, 1, 4 }, 8 },
	{ IPPROTO_IPV6, IPV6_HOPOPTS, V6 | UDP, { 0, 0, 1, 4 }, 8 },
	{ IPPROTO_TCP, TCP_CONGESTION, V4 | TCP, "reno", 4 },
	{ IPPROTO_TCP, 33 /* TCP_FASTOPEN_KEY */, V4 | TCP, "0123456789abcde", 16 },
};

/* What a socket is told anew, or counts. */
static const struct {
	int level, name;
} moving[] = {
	{ SOL_SOCKET, 55 /* SO_MEMINFO */ },
	{ SOL_SOCKET, 57 /* SO_COOKIE */ },
	{ IPPROTO_TCP, TCP_INFO },
	{ IPPROTO_TCP, TCP_TIMESTAMP },
};

#define COUNT(array) (sizeof(array) / sizeof(*(array)))

enum {
	SOCKETS = COUNT(options) + COUNT(others) + 1,
	NAMES = 128,
	BYTES = 40,
};

static const int levels[] = { SOL_SOCKET, IPPROTO_IP, IPPROTO_IPV6, IPPROTO_TCP, IPPROTO_UDP, IPPROTO_UDPLITE, IPPROTO_RAW };
static int fds[SOCKETS];

struct answer {
	int len; /* -1: no such option */
	unsigned char data[BYTES];
};
static struct answer before[SOCKETS][COUNT(levels)][NAMES];

static int make(int where)
{
	int kind = where & 15;
	int fd = socket(where & V4 ? AF_INET : AF_INET6, kinds[kind].type, kinds[kind].protocol);

	MUST(fd >= 0);
	return fd;
}

static struct answer ask(int fd, int level, int name)
{
	struct answer a = { 0 };
	socklen_t len = sizeof(a.data);

	for (size_t i = 0; i < COUNT(moving); i++)
		if (moving[i].level == level && moving[i].name == name)
			return a;
	a.len = getsockopt(fd, level, name, a.data, &len) < 0 ? -1 : (int)len;
	if (a.len < 0)
		memset(a.data, 0, sizeof(a.data));
	return a;
}

/* An option that this kernel lacks is no test. */
static int set(int n, int where, int level, int name, const void *data, socklen_t len)
{
	fds[n] = make(where);
	if (setsockopt(fds[n], level, name, data, len) == 0)
		return 0;
	MUST(errno == ENOPROTOOPT || errno == EOPNOTSUPP || errno == ENOENT || errno == EINVAL);
	fprintf(stderr, "option %d of level %d: %s\n", name, level, strerror(errno));
	return -1;
}

int main(int argc, char **argv)
{
	int n = 0, lacking = 0;
	struct stat st;

	subject_begin(argc, argv);
	for (size_t i = 0; i < COUNT(options); i++, n++)
		lacking += set(n, options[i].where, options[i].level, options[i].name, &options[i].value, sizeof(int)) < 0;
	for (size_t i = 0; i < COUNT(others); i++, n++)
		lacking += set(n, others[i].where, others[i].level, others[i].name, others[i].data, others[i].len) < 0;
	fds[n] = make(V4 | UDP);
	MUST(fchown(fds[n], 4321, 1234) == 0);
	MUST(lacking < 12);
	for (n = 0; n < SOCKETS; n++)
		for (size_t l = 0; l < COUNT(levels); l++)
			for (int name = 0; name < NAMES; name++)
				before[n][l][name] = ask(fds[n], levels[l], name);

	subject_wait();

	for (n = 0; n < SOCKETS; n++)
		for (size_t l = 0; l < COUNT(levels); l++)
			for (int name = 0; name < NAMES; name++) {
				struct answer now = ask(fds[n], levels[l], name), *was = &before[n][l][name];

				CHECK(!memcmp(&now, was, sizeof(now)), "fd %d (number %d): option %d of level %d is %02x%02x%02x%02x..., "
					"%d bytes, not %02x%02x%02x%02x..., %d bytes", fds[n], n, name, levels[l], now.data[0], now.data[1],
					now.data[2], now.data[3], now.len, was->data[0], was->data[1], was->data[2], was->data[3], was->len);
			}
	MUST(fstat(fds[SOCKETS - 1], &st) == 0);
	CHECK(st.st_uid == 4321 && st.st_gid == 1234, "a socket belongs to %u, %u", st.st_uid, st.st_gid);
	return subject_end();
}
