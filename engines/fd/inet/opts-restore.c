/* engines/fd/inet/opts-restore.c -- options of the levels IP, IPv6, TCP, UDP. */

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <linux/icmp.h>
#include <linux/icmpv6.h>
#include <linux/in6.h>

#include "criu-restore/inet-own.h"

int inet_set(int fd, int level, int name, const char *what, int value, struct img_err *err)
{
	int now = 0;
	socklen_t len = sizeof(now);

	/* Some can be set with rights only, or in some states: not without need. */
	if (getsockopt(fd, level, name, &now, &len) == 0 && now == value)
		return 0;
	return setsockopt(fd, level, name, &value, sizeof(value)) < 0 ? img_fail_sys(err, "%s %d", what, value) : 0;
}

static int set_raw(int fd, const InetSkEntry *isk, const IpOptsRawEntry *raw, struct img_err *err)
{
	bool v4 = isk->family == AF_INET;
	size_t words = v4 ? 1 : sizeof(struct icmp6_filter) / sizeof(uint32_t);

	if (raw->has_hdrincl &&
	    inet_set(fd, v4 ? IPPROTO_IP : IPPROTO_IPV6, v4 ? IP_HDRINCL : IPV6_HDRINCL, "HDRINCL", raw->hdrincl, err) < 0)
		return -1;
	if (raw->has_nodefrag && inet_set(fd, IPPROTO_IP, IP_NODEFRAG, "IP_NODEFRAG", raw->nodefrag, err) < 0)
		return -1;
	if (!raw->n_icmpv_filter)
		return 0;
	if (raw->n_icmpv_filter != words)
		return img_fail(err, IMG_CORRUPT, "an ICMP filter of %zu words", raw->n_icmpv_filter);
	if (setsockopt(fd, v4 ? IPPROTO_RAW : IPPROTO_ICMPV6, v4 ? ICMP_FILTER : ICMPV6_FILTER, raw->icmpv_filter,
		    (socklen_t)(words * sizeof(uint32_t))) < 0)
		return img_fail_sys(err, "set a filter of ICMP messages");
	return 0;
}

static int set_ip(int fd, const InetSkEntry *isk, const IpOptsEntry *ip, struct img_err *err)
{
	bool v4 = isk->family == AF_INET;
	int level = v4 ? IPPROTO_IP : IPPROTO_IPV6;

	if (ip->has_freebind && inet_set(fd, level, v4 ? IP_FREEBIND : IPV6_FREEBIND, "FREEBIND", ip->freebind, err) < 0)
		return -1;
	if (ip->has_pktinfo && inet_set(fd, level, v4 ? IP_PKTINFO : IPV6_RECVPKTINFO, "PKTINFO", ip->pktinfo, err) < 0)
		return -1;
	if (ip->has_tos && inet_set(fd, IPPROTO_IP, IP_TOS, "IP_TOS", (int)ip->tos, err) < 0)
		return -1;
	if (ip->has_ttl && inet_set(fd, IPPROTO_IP, IP_TTL, "IP_TTL", (int)ip->ttl, err) < 0)
		return -1;
	return ip->raw && isk->type == SOCK_RAW ? set_raw(fd, isk, ip->raw, err) : 0;
}

static int set_tcp(int fd, const TcpOptsEntry *tcp, struct img_err *err)
{
	if (tcp->has_cork && inet_set(fd, IPPROTO_TCP, TCP_CORK, "TCP_CORK", tcp->cork, err) < 0)
		return -1;
	if (tcp->has_nodelay && inet_set(fd, IPPROTO_TCP, TCP_NODELAY, "TCP_NODELAY", tcp->nodelay, err) < 0)
		return -1;
	if (tcp->has_keepcnt && inet_set(fd, IPPROTO_TCP, TCP_KEEPCNT, "TCP_KEEPCNT", (int)tcp->keepcnt, err) < 0)
		return -1;
	if (tcp->has_keepidle && inet_set(fd, IPPROTO_TCP, TCP_KEEPIDLE, "TCP_KEEPIDLE", (int)tcp->keepidle, err) < 0)
		return -1;
	if (tcp->has_keepintvl && inet_set(fd, IPPROTO_TCP, TCP_KEEPINTVL, "TCP_KEEPINTVL", (int)tcp->keepintvl, err) < 0)
		return -1;
	return 0;
}

/* Old images have these three among the options of all sockets. */
static int set_old_tcp(int fd, const SkOptsEntry *opts, struct img_err *err)
{
	TcpOptsEntry tcp = TCP_OPTS_ENTRY__INIT;

	tcp.has_keepcnt = opts->has_tcp_keepcnt;
	tcp.keepcnt = opts->tcp_keepcnt;
	tcp.has_keepidle = opts->has_tcp_keepidle;
	tcp.keepidle = opts->tcp_keepidle;
	tcp.has_keepintvl = opts->has_tcp_keepintvl;
	tcp.keepintvl = opts->tcp_keepintvl;
	return set_tcp(fd, &tcp, err);
}

int inet_opts_restore(int fd, const InetSkEntry *isk, struct img_err *err)
{
	if (isk->has_v6only && inet_set(fd, IPPROTO_IPV6, IPV6_V6ONLY, "IPV6_V6ONLY", isk->v6only, err) < 0)
		return -1;
	if (isk->ip_opts && set_ip(fd, isk, isk->ip_opts, err) < 0)
		return -1;
	if (isk->type == SOCK_STREAM && (set_old_tcp(fd, isk->opts, err) < 0 || (isk->tcp_opts && set_tcp(fd, isk->tcp_opts, err) < 0)))
		return -1;
	if (isk->congestion && setsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, isk->congestion, (socklen_t)strlen(isk->congestion)) < 0)
		return img_fail_sys(err, "the congestion control '%s'", isk->congestion);
	for (size_t i = 0; i < isk->n_raw_opts; i++) {
		const SkRawOptEntry *o = isk->raw_opts[i];

		if (setsockopt(fd, (int)o->level, (int)o->name, o->data.data, (socklen_t)o->data.len) < 0)
			return img_fail_sys(err, "option %u of level %u, %zu bytes", o->name, o->level, o->data.len);
	}
	for (size_t i = 0; i < isk->n_more_opts; i++) {
		const SkIntOptEntry *o = isk->more_opts[i];
		char what[48];

		snprintf(what, sizeof(what), "option %u of level %u", o->name, o->level);
		if (inet_set(fd, (int)o->level, (int)o->name, what, o->value, err) < 0)
			return -1;
	}
	return 0;
}
