/* engines/fd/inet/opts-dump.c -- options of the levels IP, IPv6, TCP, UDP: ip(7), ipv6(7), tcp(7), udp(7), raw(7).
 *
 * Some have a field of their own in CRIU's records. All the others are numbers, told when they differ from those of a socket
 * that was just made: what it is when nobody touches it depends on the kernel and its settings.
 */

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <linux/icmp.h>
#include <linux/icmpv6.h>
#include <linux/in6.h>

#include "criu-dump/inet-own.h"
#include "criuimg/array.h"
#include "criuimg/cleanup.h"

enum { /* what older headers lack: include/uapi/linux/{in,in6,tcp,udp}.h, asm-generic/socket.h */
	OPT_SO_TXREHASH = 74,
	OPT_SO_RCVMARK = 75,
	OPT_SO_PREFER_BUSY_POLL = 69,
	OPT_IP_LOCAL_PORT_RANGE = 51,
	OPT_IP_RECVERR_RFC4884 = 26,
	OPT_IPV6_RECVERR_RFC4884 = 31,
	OPT_IPV6_MULTICAST_ALL = 29,
	OPT_TCP_FASTOPEN_NO_COOKIE = 34,
	OPT_TCP_TX_DELAY = 37,
	OPT_UDP_ENCAP = 100,
	OPT_UDP_NO_CHECK6_TX = 101,
	OPT_UDP_NO_CHECK6_RX = 102,
	OPT_UDP_SEGMENT = 103,
	OPT_UDP_GRO = 104,
	OPT_UDPLITE_SEND_CSCOV = 10,
	OPT_UDPLITE_RECV_CSCOV = 11,
	OPT_SO_TIMESTAMP_NEW = 63,
	OPT_SO_TIMESTAMPNS_NEW = 64,
	OPT_SO_TIMESTAMPING_NEW = 65,
	OPT_SO_TXTIME = 61,
	OPT_SO_RESERVE_MEM = 73,
	OPT_SO_RCVPRIORITY = 82,
	OPT_TCP_FASTOPEN_KEY = 33,
	OPT_TCP_RTO_MAX_MS = 44,
	OPT_TCP_RTO_MIN_US = 45,
	OPT_TCP_DELACK_MAX_US = 46,
	OPT_IPV6_ROUTER_ALERT_ISOLATE = 30,
	OPT_IPV6_FLOWINFO = 11,
	OPT_IPV6_FLOWINFO_SEND = 33,
	OPT_IPV6_CHECKSUM = 7,
};

enum whose {
	ALL,
	NEW,	   /* of a TCP socket before its first connection: then they change by themselves */
	DATAGRAMS, /* a TCP socket tells them, and does not take them */
	LONE,	   /* of a socket without a peer: packets of a peer change them */
	DUAL,	   /* of an IPv6 socket; those of an IPv4 one have a field of their own */
};

static const struct {
	int level, name;
	enum whose whose;
} numbers[] = {
	{ SOL_SOCKET, SO_DEBUG, ALL },
	{ SOL_SOCKET, SO_PEEK_OFF, ALL },
	{ SOL_SOCKET, SO_WIFI_STATUS, ALL },
	{ SOL_SOCKET, SO_NOFCS, ALL },
	{ SOL_SOCKET, SO_INCOMING_CPU, LONE },
	{ SOL_SOCKET, OPT_SO_RESERVE_MEM, ALL },
	{ SOL_SOCKET, OPT_SO_RCVPRIORITY, ALL },
	{ SOL_SOCKET, SO_TIMESTAMP, ALL },
	{ SOL_SOCKET, SO_TIMESTAMPNS, ALL },
	{ SOL_SOCKET, SO_TIMESTAMPING, ALL },
	{ SOL_SOCKET, OPT_SO_TIMESTAMP_NEW, ALL }, /* behind the old forms, which give the same number */
	{ SOL_SOCKET, OPT_SO_TIMESTAMPNS_NEW, ALL },
	{ SOL_SOCKET, OPT_SO_TIMESTAMPING_NEW, ALL },
	{ SOL_SOCKET, SO_RXQ_OVFL, ALL },
	{ SOL_SOCKET, SO_SELECT_ERR_QUEUE, ALL },
	{ SOL_SOCKET, SO_BUSY_POLL, ALL },
	{ SOL_SOCKET, OPT_SO_PREFER_BUSY_POLL, ALL },
	{ SOL_SOCKET, SO_MAX_PACING_RATE, ALL },
	{ SOL_SOCKET, SO_ZEROCOPY, ALL },
	{ SOL_SOCKET, OPT_SO_TXREHASH, ALL },
	{ SOL_SOCKET, OPT_SO_RCVMARK, ALL },
	{ IPPROTO_IP, IP_TOS, DUAL },
	{ IPPROTO_IP, IP_TTL, DUAL },
	{ IPPROTO_IP, IP_PKTINFO, DUAL },
	{ IPPROTO_IP, IP_PASSSEC, ALL },
	{ IPPROTO_IP, IP_RECVOPTS, ALL },
	{ IPPROTO_IP, IP_RETOPTS, ALL },
	{ IPPROTO_IP, IP_MTU_DISCOVER, ALL },
	{ IPPROTO_IP, IP_RECVERR, ALL },
	{ IPPROTO_IP, OPT_IP_RECVERR_RFC4884, ALL },
	{ IPPROTO_IP, IP_RECVTTL, ALL },
	{ IPPROTO_IP, IP_RECVTOS, ALL },
	{ IPPROTO_IP, IP_TRANSPARENT, ALL },
	{ IPPROTO_IP, IP_RECVORIGDSTADDR, ALL },
	{ IPPROTO_IP, IP_MINTTL, ALL },
	{ IPPROTO_IP, IP_CHECKSUM, ALL },
	{ IPPROTO_IP, IP_RECVFRAGSIZE, ALL },
	{ IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, ALL },
	{ IPPROTO_IP, IP_MULTICAST_IF, DATAGRAMS }, /* the address; a device alone is not told */
	{ IPPROTO_IP, IP_MULTICAST_TTL, DATAGRAMS },
	{ IPPROTO_IP, IP_MULTICAST_LOOP, DATAGRAMS },
	{ IPPROTO_IP, IP_MULTICAST_ALL, DATAGRAMS },
	{ IPPROTO_IP, IP_UNICAST_IF, ALL },
	{ IPPROTO_IP, OPT_IP_LOCAL_PORT_RANGE, ALL },
	{ IPPROTO_IPV6, IPV6_UNICAST_HOPS, ALL },
	{ IPPROTO_IPV6, IPV6_MULTICAST_HOPS, DATAGRAMS },
	{ IPPROTO_IPV6, IPV6_MULTICAST_LOOP, DATAGRAMS },
	{ IPPROTO_IPV6, IPV6_MULTICAST_IF, DATAGRAMS },
	{ IPPROTO_IPV6, OPT_IPV6_MULTICAST_ALL, DATAGRAMS },
	{ IPPROTO_IPV6, IPV6_MTU_DISCOVER, ALL },
	{ IPPROTO_IPV6, IPV6_RECVERR, ALL },
	{ IPPROTO_IPV6, OPT_IPV6_RECVERR_RFC4884, ALL },
	{ IPPROTO_IPV6, IPV6_RECVHOPLIMIT, ALL },
	{ IPPROTO_IPV6, IPV6_RECVHOPOPTS, ALL },
	{ IPPROTO_IPV6, IPV6_RECVRTHDR, ALL },
	{ IPPROTO_IPV6, IPV6_RECVDSTOPTS, ALL },
	{ IPPROTO_IPV6, IPV6_RECVPATHMTU, ALL },
	{ IPPROTO_IPV6, IPV6_RECVTCLASS, ALL },
	{ IPPROTO_IPV6, IPV6_DONTFRAG, ALL },
	{ IPPROTO_IPV6, IPV6_TCLASS, ALL },
	{ IPPROTO_IPV6, IPV6_AUTOFLOWLABEL, ALL },
	{ IPPROTO_IPV6, IPV6_ADDR_PREFERENCES, ALL },
	{ IPPROTO_IPV6, IPV6_MINHOPCOUNT, ALL },
	{ IPPROTO_IPV6, IPV6_ORIGDSTADDR, ALL },
	{ IPPROTO_IPV6, IPV6_TRANSPARENT, ALL },
	{ IPPROTO_IPV6, IPV6_UNICAST_IF, ALL },
	{ IPPROTO_IPV6, IPV6_RECVFRAGSIZE, ALL },
	{ IPPROTO_IPV6, IPV6_2292PKTINFO, ALL },
	{ IPPROTO_IPV6, IPV6_2292HOPOPTS, ALL },
	{ IPPROTO_IPV6, IPV6_2292DSTOPTS, ALL },
	{ IPPROTO_IPV6, IPV6_2292RTHDR, ALL },
	{ IPPROTO_IPV6, IPV6_2292HOPLIMIT, ALL },
	{ IPPROTO_IPV6, OPT_IPV6_CHECKSUM, DATAGRAMS },
	{ IPPROTO_IPV6, OPT_IPV6_FLOWINFO, ALL },
	{ IPPROTO_IPV6, OPT_IPV6_FLOWINFO_SEND, ALL },
	{ IPPROTO_IPV6, IPV6_ROUTER_ALERT, DATAGRAMS },
	{ IPPROTO_IPV6, OPT_IPV6_ROUTER_ALERT_ISOLATE, ALL },
	{ IPPROTO_TCP, TCP_SYNCNT, ALL },
	{ IPPROTO_TCP, TCP_LINGER2, ALL },
	{ IPPROTO_TCP, TCP_DEFER_ACCEPT, NEW },
	{ IPPROTO_TCP, TCP_WINDOW_CLAMP, NEW },
	{ IPPROTO_TCP, TCP_MAXSEG, NEW },
	{ IPPROTO_TCP, TCP_THIN_LINEAR_TIMEOUTS, ALL },
	{ IPPROTO_TCP, TCP_USER_TIMEOUT, ALL },
	{ IPPROTO_TCP, TCP_FASTOPEN, NEW },
	{ IPPROTO_TCP, TCP_FASTOPEN_CONNECT, NEW },
	{ IPPROTO_TCP, OPT_TCP_FASTOPEN_NO_COOKIE, ALL },
	{ IPPROTO_TCP, TCP_NOTSENT_LOWAT, ALL },
	{ IPPROTO_TCP, TCP_SAVE_SYN, ALL },
	{ IPPROTO_TCP, TCP_INQ, ALL },
	{ IPPROTO_TCP, OPT_TCP_TX_DELAY, ALL },
	{ IPPROTO_TCP, OPT_TCP_RTO_MAX_MS, ALL },
	{ IPPROTO_TCP, OPT_TCP_RTO_MIN_US, ALL },
	{ IPPROTO_TCP, OPT_TCP_DELACK_MAX_US, ALL },
	{ IPPROTO_UDP, OPT_UDP_ENCAP, ALL },
	{ IPPROTO_UDP, OPT_UDP_NO_CHECK6_TX, ALL },
	{ IPPROTO_UDP, OPT_UDP_NO_CHECK6_RX, ALL },
	{ IPPROTO_UDP, OPT_UDP_SEGMENT, ALL },
	{ IPPROTO_UDP, OPT_UDP_GRO, ALL },
	{ IPPROTO_UDPLITE, OPT_UDPLITE_SEND_CSCOV, ALL },
	{ IPPROTO_UDPLITE, OPT_UDPLITE_RECV_CSCOV, ALL },
};

enum { NR_NUMBERS = ARRAY_SIZE(numbers) };

/* Those that are not a number. */
static const struct {
	int level, name;
} raws[] = {
	{ SOL_SOCKET, OPT_SO_TXTIME }, /* struct sock_txtime */
	{ IPPROTO_IP, IP_OPTIONS },
	{ IPPROTO_IPV6, IPV6_HOPOPTS },
	{ IPPROTO_IPV6, IPV6_RTHDRDSTOPTS },
	{ IPPROTO_IPV6, IPV6_RTHDR },
	{ IPPROTO_IPV6, IPV6_DSTOPTS },
	{ IPPROTO_TCP, OPT_TCP_FASTOPEN_KEY },
};

enum {
	NR_RAWS = ARRAY_SIZE(raws),
	RAW_MAX = 2048, /* bytes: extension headers of IPv6 */
};
_Static_assert((int)NR_RAWS == (int)INET_RAW_OPTS, "struct inet_opts has room for all of them");

/* What a socket says of all of them. */
struct reading {
	int32_t value[NR_NUMBERS];
	bool has[NR_NUMBERS];
	char congestion[32];
};

struct inet_defaults {
	int family, type, protocol;
	struct reading is;
	struct inet_defaults *next;
};

static bool get(int fd, int level, int name, int32_t *value)
{
	socklen_t len = sizeof(*value);

	*value = 0; /* some are of one byte */
	return getsockopt(fd, level, name, value, &len) == 0;
}

static void look(int fd, struct reading *r)
{
	socklen_t len = sizeof(r->congestion) - 1;

	*r = (struct reading){ 0 };
	for (size_t i = 0; i < NR_NUMBERS; i++)
		r->has[i] = get(fd, numbers[i].level, numbers[i].name, &r->value[i]);
	if (getsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, r->congestion, &len) < 0)
		r->congestion[0] = '\0';
}

/* What a socket of this kind says when it was just made. */
static const struct reading *defaults_of(struct inet_defaults **all, const struct inet_socket *s, struct img_err *err)
{
	struct inet_defaults *d;
	cleanup_fd int fd = -1;

	for (d = *all; d; d = d->next)
		if (d->family == s->family && d->type == s->type && d->protocol == s->protocol)
			return &d->is;
	d = calloc(1, sizeof(*d));
	if (!d) {
		img_fail_nomem(err);
		return NULL;
	}
	d->family = s->family;
	d->type = s->type;
	d->protocol = s->protocol;
	fd = socket(s->family, s->type | SOCK_CLOEXEC, s->protocol);
	if (fd >= 0) /* else (ICMP, without being of the right group) all is told that is not zero */
		look(fd, &d->is);
	d->next = *all;
	*all = d;
	return &d->is;
}

void inet_defaults_free(struct inet_defaults *all)
{
	while (all) {
		struct inet_defaults *next = all->next;

		free(all);
		all = next;
	}
}

static bool is_its_own(const struct inet_socket *s, enum whose whose)
{
	if (whose == LONE)
		return !s->dst.ss_family;
	if (whose == DUAL)
		return s->family == AF_INET6;
	if (s->type != SOCK_STREAM)
		return true;
	return whose == ALL || (whose == NEW && !inet_connected(s) && !s->ended);
}

static int dump_numbers(struct inet_defaults **defaults, int fd, const struct inet_socket *s, InetSkEntry *isk, struct inet_opts *o,
	struct img_err *err)
{
	const struct reading *fresh = defaults_of(defaults, s, err);
	struct reading is;

	if (!fresh)
		return -1;
	o->more = calloc(NR_NUMBERS, sizeof(*o->more));
	o->more_list = calloc(NR_NUMBERS, sizeof(*o->more_list));
	if (!o->more || !o->more_list)
		return img_fail_nomem(err);
	isk->more_opts = o->more_list;
	look(fd, &is);
	for (size_t i = 0; i < NR_NUMBERS; i++) {
		SkIntOptEntry *e = &o->more[isk->n_more_opts];

		if (!is.has[i] || is.value[i] == fresh->value[i] || !is_its_own(s, numbers[i].whose))
			continue;
		sk_int_opt_entry__init(e);
		e->level = (uint32_t)numbers[i].level;
		e->name = (uint32_t)numbers[i].name;
		e->value = is.value[i];
		isk->more_opts[isk->n_more_opts++] = e;
	}
	if (strcmp(is.congestion, fresh->congestion)) {
		memcpy(o->congestion, is.congestion, sizeof(o->congestion));
		isk->congestion = o->congestion;
	}
	return 0;
}

/* A socket that was just made has none of them, or zeros. */
static bool is_set(const uint8_t *data, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (data[i])
			return true;
	return false;
}

static int dump_raws(int fd, InetSkEntry *isk, struct inet_opts *o, struct img_err *err)
{
	isk->raw_opts = o->bytes_list;
	for (size_t i = 0; i < NR_RAWS; i++) {
		SkRawOptEntry *e = &o->bytes[isk->n_raw_opts];
		uint8_t data[RAW_MAX];
		socklen_t len = sizeof(data);

		if (getsockopt(fd, raws[i].level, raws[i].name, data, &len) < 0 || !is_set(data, len))
			continue;
		sk_raw_opt_entry__init(e);
		e->level = (uint32_t)raws[i].level;
		e->name = (uint32_t)raws[i].name;
		e->data.data = malloc(len);
		if (!e->data.data)
			return img_fail_nomem(err);
		memcpy(e->data.data, data, len);
		e->data.len = len;
		isk->raw_opts[isk->n_raw_opts++] = e;
	}
	return 0;
}

static void dump_tcp(int fd, TcpOptsEntry *tcp)
{
	int32_t value;

	tcp->has_cork = tcp->cork = get(fd, IPPROTO_TCP, TCP_CORK, &value) && value;
	tcp->has_nodelay = tcp->nodelay = get(fd, IPPROTO_TCP, TCP_NODELAY, &value) && value;
	tcp->has_keepcnt = get(fd, IPPROTO_TCP, TCP_KEEPCNT, (int32_t *)&tcp->keepcnt);
	tcp->has_keepidle = get(fd, IPPROTO_TCP, TCP_KEEPIDLE, (int32_t *)&tcp->keepidle);
	tcp->has_keepintvl = get(fd, IPPROTO_TCP, TCP_KEEPINTVL, (int32_t *)&tcp->keepintvl);
}

static void dump_raw(int fd, const struct inet_socket *s, struct inet_opts *o)
{
	IpOptsRawEntry *raw = &o->raw;
	int32_t value;
	socklen_t len = sizeof(o->icmp_filter);

	raw->has_hdrincl = raw->hdrincl = (s->family == AF_INET ? get(fd, IPPROTO_IP, IP_HDRINCL, &value)
								: get(fd, IPPROTO_IPV6, IPV6_HDRINCL, &value)) && value;
	raw->has_nodefrag = raw->nodefrag = s->family == AF_INET && get(fd, IPPROTO_IP, IP_NODEFRAG, &value) && value;
	raw->icmpv_filter = o->icmp_filter;
	if (s->family == AF_INET && s->protocol == IPPROTO_ICMP &&
	    getsockopt(fd, IPPROTO_RAW, ICMP_FILTER, o->icmp_filter, &len) == 0)
		raw->n_icmpv_filter = 1;
	else if (s->family == AF_INET6 && s->protocol == IPPROTO_ICMPV6 &&
		 getsockopt(fd, IPPROTO_ICMPV6, ICMPV6_FILTER, o->icmp_filter, &len) == 0)
		raw->n_icmpv_filter = len / sizeof(o->icmp_filter[0]);
}

static void dump_ip(int fd, const struct inet_socket *s, struct inet_opts *o)
{
	bool v4 = s->family == AF_INET;
	IpOptsEntry *ip = &o->ip;
	int32_t value;

	ip->has_freebind = ip->freebind =
		(v4 ? get(fd, IPPROTO_IP, IP_FREEBIND, &value) : get(fd, IPPROTO_IPV6, IPV6_FREEBIND, &value)) && value;
	ip->has_pktinfo = ip->pktinfo =
		(v4 ? get(fd, IPPROTO_IP, IP_PKTINFO, &value) : get(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, &value)) && value;
	if (v4) {
		ip->has_tos = get(fd, IPPROTO_IP, IP_TOS, (int32_t *)&ip->tos) && ip->tos;
		ip->has_ttl = get(fd, IPPROTO_IP, IP_TTL, (int32_t *)&ip->ttl);
	}
	if (s->type == SOCK_RAW) {
		dump_raw(fd, s, o);
		ip->raw = &o->raw;
	}
}

int inet_opts_dump(struct inet_defaults **defaults, int fd, const struct inet_socket *s, InetSkEntry *isk, struct inet_opts *o,
	struct img_err *err)
{
	*o = (struct inet_opts){ .ip = IP_OPTS_ENTRY__INIT, .raw = IP_OPTS_RAW_ENTRY__INIT, .tcp = TCP_OPTS_ENTRY__INIT };
	dump_ip(fd, s, o);
	isk->ip_opts = &o->ip;
	isk->tcp_opts = &o->tcp;
	if (s->type == SOCK_STREAM)
		dump_tcp(fd, &o->tcp);
	return dump_numbers(defaults, fd, s, isk, o, err) < 0 ? -1 : dump_raws(fd, isk, o, err);
}

void inet_opts_free(struct inet_opts *o)
{
	free(o->more);
	free(o->more_list);
	free(o->datagrams);
	for (size_t i = 0; i < NR_RAWS; i++)
		free(o->bytes[i].data.data);
}
