/* engines/fd/inet/inject-restore.c -- segments in the name of the peer: RFC 9293, RFC 791, RFC 8200.
 *
 * There is no call that makes a socket one whose peer has sent a FIN, or has confirmed ours. So the segment that did it is sent
 * again, by a raw socket (raw(7), ipv6(7): IPV6_HDRINCL), to our own address: it does not leave this host.
 */

#include <netinet/in.h>
#include <netinet/ip.h>
#include <netinet/ip6.h>
#include <netinet/tcp.h>
#include <string.h>
#include <unistd.h>
#include <linux/in6.h>

#include "criu-restore/inet-own.h"
#include "criuimg/cleanup.h"
#include "kernel/net-lock.h"

enum {
	TTL = 64,
	WINDOW = 0xffff, /* not scaled: the real one is set after this */
};

/* RFC 1071. len is even. */
static uint32_t sum(const void *data, size_t len, uint32_t start)
{
	const uint8_t *bytes = data;

	for (size_t i = 0; i + 1 < len; i += 2)
		start += (uint32_t)bytes[i] << 8 | bytes[i + 1];
	return start;
}

static uint16_t fold(uint32_t s)
{
	while (s >> 16)
		s = (s & 0xffff) + (s >> 16);
	return htons((uint16_t)~s);
}

static void build_tcp(struct tcphdr *tcp, const struct kern_connection *c, bool fin, uint32_t seq, uint32_t ack)
{
	size_t size = c->family == AF_INET ? 4 : 16;
	uint32_t s;

	*tcp = (struct tcphdr){ 0 };
	tcp->source = htons(c->dport);
	tcp->dest = htons(c->sport);
	tcp->seq = htonl(seq);
	tcp->ack_seq = htonl(ack);
	tcp->doff = sizeof(*tcp) / 4;
	tcp->ack = 1;
	tcp->fin = fin;
	tcp->window = htons(WINDOW);
	/* the pseudo header: both addresses, protocol, length */
	s = sum(c->dst, size, sum(c->src, size, IPPROTO_TCP + sizeof(*tcp)));
	tcp->check = fold(sum(tcp, sizeof(*tcp), s));
}

static int send_it(int family, const void *packet, size_t len, const struct sockaddr *to, socklen_t to_len, struct img_err *err)
{
	cleanup_fd int fd = socket(family, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_RAW);
	uint32_t mark = KERN_NET_LOCK_MARK;

	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_MARK, &mark, sizeof(mark)) < 0)
		return img_fail_sys(err, "a raw socket");
	if (sendto(fd, packet, len, 0, to, to_len) != (ssize_t)len)
		return img_fail_sys(err, "send a segment of the peer");
	return 0;
}

static int send_v4(const struct kern_connection *c, bool fin, uint32_t seq, uint32_t ack, struct img_err *err)
{
	struct sockaddr_in to = { .sin_family = AF_INET };
	struct {
		struct iphdr ip; /* the kernel fills in length, identification and checksum */
		struct tcphdr tcp;
	} packet = { .ip = { .version = 4, .ihl = sizeof(struct iphdr) / 4, .ttl = TTL, .protocol = IPPROTO_TCP } };

	memcpy(&packet.ip.saddr, c->dst, 4);
	memcpy(&packet.ip.daddr, c->src, 4);
	memcpy(&to.sin_addr, c->src, 4);
	build_tcp(&packet.tcp, c, fin, seq, ack);
	return send_it(AF_INET, &packet, sizeof(packet), (struct sockaddr *)&to, sizeof(to), err);
}

static int send_v6(const struct kern_connection *c, uint32_t scope, bool fin, uint32_t seq, uint32_t ack, struct img_err *err)
{
	struct sockaddr_in6 to = { .sin6_family = AF_INET6, .sin6_scope_id = scope };
	struct {
		struct ip6_hdr ip;
		struct tcphdr tcp;
	} packet = { 0 };

	packet.ip.ip6_vfc = 6 << 4;
	packet.ip.ip6_plen = htons(sizeof(packet.tcp));
	packet.ip.ip6_nxt = IPPROTO_TCP;
	packet.ip.ip6_hlim = TTL;
	memcpy(&packet.ip.ip6_src, c->dst, 16);
	memcpy(&packet.ip.ip6_dst, c->src, 16);
	memcpy(&to.sin6_addr, c->src, 16);
	build_tcp(&packet.tcp, c, fin, seq, ack);
	return send_it(AF_INET6, &packet, sizeof(packet), (struct sockaddr *)&to, sizeof(to), err);
}

int inet_inject(const InetSkEntry *isk, bool fin, uint32_t seq, uint32_t ack, struct img_err *err)
{
	union inet_address src, dst;
	struct kern_connection c;

	if (!inet_address(isk, false, &src, err) || !inet_address(isk, true, &dst, err) ||
	    kern_connection_of(&src.storage, &dst.storage, &c, err) < 0)
		return -1;
	if (c.family == AF_INET)
		return send_v4(&c, fin, seq, ack, err);
	return send_v6(&c, ((struct sockaddr_in6 *)&src.storage)->sin6_scope_id, fin, seq, ack, err);
}
