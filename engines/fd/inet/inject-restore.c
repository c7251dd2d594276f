/* engines/fd/inet/inject-restore.c -- packets in the name of the peer: RFC 9293, RFC 768, RFC 3828, RFC 791, RFC 8200.
 *
 * There is no call that makes a socket one whose peer has sent a FIN, or has confirmed ours, or that puts a datagram into a queue. So the packet
 * that did it is sent again, by a raw socket (raw(7), ipv6(7): IPV6_HDRINCL), to our own address: it does not leave this host.
 */

#include <netinet/in.h>
#include <netinet/ip.h>
#include <netinet/ip6.h>
#include <netinet/tcp.h>
#include <netinet/udp.h>
#include <stdlib.h>
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

/* RFC 1071. A byte at an odd end has a zero behind it. */
static uint32_t sum(const void *data, size_t len, uint32_t start)
{
	const uint8_t *bytes = data;

	for (size_t i = 0; i + 1 < len; i += 2)
		start += (uint32_t)bytes[i] << 8 | bytes[i + 1];
	if (len % 2)
		start += (uint32_t)bytes[len - 1] << 8;
	while (start >> 16)
		start = (start & 0xffff) + (start >> 16);
	return start;
}

/* Of what is behind the IP header, its own field being zero; with the pseudo header: both addresses, protocol, length. */
static uint16_t checksum(const struct kern_connection *c, int protocol, const void *data, size_t len)
{
	size_t size = c->family == AF_INET ? 4 : 16;
	uint32_t s = sum(c->dst, size, sum(c->src, size, (uint32_t)protocol + (uint32_t)len));

	return htons((uint16_t)~sum(data, len, s));
}

static int send_it(int family, const struct iovec *parts, size_t nr, struct sockaddr *to, socklen_t to_len, struct img_err *err)
{
	cleanup_fd int fd = socket(family, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_RAW);
	struct msghdr msg = { .msg_name = to, .msg_namelen = to_len, .msg_iov = (struct iovec *)parts, .msg_iovlen = nr };
	uint32_t mark = KERN_NET_LOCK_MARK;

	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_MARK, &mark, sizeof(mark)) < 0)
		return img_fail_sys(err, "a raw socket");
	return sendmsg(fd, &msg, 0) < 0 ? img_fail_sys(err, "send a packet of the peer") : 0;
}

static int send_v4(const struct kern_connection *c, int protocol, void *data, size_t len, struct img_err *err)
{
	/* the kernel fills in length, identification and checksum */
	struct iphdr ip = { .version = 4, .ihl = sizeof(struct iphdr) / 4, .ttl = TTL, .protocol = (uint8_t)protocol };
	const struct iovec parts[] = { { &ip, sizeof(ip) }, { data, len } };
	struct sockaddr_in to = { .sin_family = AF_INET };

	memcpy(&ip.saddr, c->dst, 4);
	memcpy(&ip.daddr, c->src, 4);
	memcpy(&to.sin_addr, c->src, 4);
	return send_it(AF_INET, parts, 2, (struct sockaddr *)&to, sizeof(to), err);
}

static int send_v6(const struct kern_connection *c, uint32_t scope, int protocol, void *data, size_t len, struct img_err *err)
{
	struct sockaddr_in6 to = { .sin6_family = AF_INET6, .sin6_scope_id = scope };
	struct ip6_hdr ip = { 0 };
	const struct iovec parts[] = { { &ip, sizeof(ip) }, { data, len } };

	ip.ip6_vfc = 6 << 4;
	ip.ip6_plen = htons((uint16_t)len);
	ip.ip6_nxt = (uint8_t)protocol;
	ip.ip6_hlim = TTL;
	memcpy(&ip.ip6_src, c->dst, 16);
	memcpy(&ip.ip6_dst, c->src, 16);
	memcpy(&to.sin6_addr, c->src, 16);
	return send_it(AF_INET6, parts, 2, (struct sockaddr *)&to, sizeof(to), err);
}

static int send_from_peer(const struct kern_connection *c, uint32_t scope, int protocol, void *data, size_t len, struct img_err *err)
{
	return c->family == AF_INET ? send_v4(c, protocol, data, len, err) : send_v6(c, scope, protocol, data, len, err);
}

int inet_inject(const InetSkEntry *isk, bool fin, uint32_t seq, uint32_t ack, struct img_err *err)
{
	union inet_address src, dst;
	struct kern_connection c;
	struct tcphdr tcp = { 0 };

	if (!inet_address(isk, false, &src, err) || !inet_address(isk, true, &dst, err) ||
	    kern_connection_of(&src.storage, &dst.storage, &c, err) < 0)
		return -1;
	tcp.source = htons(c.dport);
	tcp.dest = htons(c.sport);
	tcp.seq = htonl(seq);
	tcp.ack_seq = htonl(ack);
	tcp.doff = sizeof(tcp) / 4;
	tcp.ack = 1;
	tcp.fin = fin;
	tcp.window = htons(WINDOW);
	tcp.check = checksum(&c, IPPROTO_TCP, &tcp, sizeof(tcp));
	return send_from_peer(&c, ((struct sockaddr_in6 *)&src.storage)->sin6_scope_id, IPPROTO_TCP, &tcp, sizeof(tcp), err);
}

int inet_inject_datagram(const struct kern_connection *c, int protocol, const void *data, size_t len, struct img_err *err)
{
	size_t size = sizeof(struct udphdr) + len;
	cleanup_free uint8_t *packet = calloc(1, size);
	struct udphdr *udp = (struct udphdr *)packet;

	if (!packet)
		return img_fail_nomem(err);
	udp->source = htons(c->dport);
	udp->dest = htons(c->sport);
	udp->len = htons((uint16_t)size); /* of UDP-Lite: how much of it the checksum covers */
	memcpy(packet + sizeof(*udp), data, len);
	udp->check = checksum(c, protocol, packet, size);
	if (!udp->check) /* which says that there is none */
		udp->check = 0xffff;
	return send_from_peer(c, 0, protocol, packet, size, err);
}
