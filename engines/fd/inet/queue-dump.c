/* engines/fd/inet/queue-dump.c -- datagrams that had come to a UDP socket and were not read.
 *
 * They are looked at (MSG_PEEK), one behind the other (SO_PEEK_OFF), so that they are still there when the task runs on. Which address each was sent
 * to is told with IP_PKTINFO, which is on for that time.
 */

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "criu-dump/dump.h"
#include "criu-dump/inet-own.h"
#include "criuimg/array.h"
#include "criuimg/cleanup.h"

enum {
	DATAGRAM_MAX = 65536,
	ERRORS_MAX = 64, /* of packets that were sent: they come before any datagram */
};

bool inet_has_queue(const struct inet_socket *s)
{
	return s->type == SOCK_DGRAM && (s->protocol == IPPROTO_UDP || s->protocol == IPPROTO_UDPLITE);
}

/* ---- the socket while it is looked at ---- */

struct look {
	int fd, level, name; /* of the option */
	int info, peek_off;  /* as they were */
};

static int get(int fd, int level, int name, int *value, struct img_err *err)
{
	socklen_t len = sizeof(*value);

	return getsockopt(fd, level, name, value, &len) < 0 ? img_fail_sys(err, "option %d of level %d", name, level) : 0;
}

static int set(int fd, int level, int name, int value, struct img_err *err)
{
	return setsockopt(fd, level, name, &value, sizeof(value)) < 0 ? img_fail_sys(err, "option %d of level %d", name, level) : 0;
}

static int look_begin(struct look *l, int fd, int family, struct img_err *err)
{
	bool v4 = family == AF_INET;

	*l = (struct look){ .fd = fd, .level = v4 ? IPPROTO_IP : IPPROTO_IPV6, .name = v4 ? IP_PKTINFO : IPV6_RECVPKTINFO };
	if (get(fd, l->level, l->name, &l->info, err) < 0 || get(fd, SOL_SOCKET, SO_PEEK_OFF, &l->peek_off, err) < 0)
		return -1;
	if (set(fd, l->level, l->name, 1, err) < 0)
		return -1;
	return set(fd, SOL_SOCKET, SO_PEEK_OFF, 0, err);
}

static int look_end(const struct look *l, struct img_err *err)
{
	int ret = set(l->fd, SOL_SOCKET, SO_PEEK_OFF, l->peek_off, err);

	return set(l->fd, l->level, l->name, l->info, err) < 0 ? -1 : ret;
}

/* ---- one datagram ---- */

static int put_bytes(struct dump *d, ProtobufCBinaryData *out, const void *data, size_t size, struct img_err *err)
{
	out->data = img_arena_alloc(&d->arena, size ? size : 1);
	if (!out->data)
		return img_fail_nomem(err);
	memcpy(out->data, data, size);
	out->len = size;
	return 0;
}

static int put_source(struct dump *d, InetDatagramEntry *e, const struct sockaddr_storage *from, struct img_err *err)
{
	const struct sockaddr_in *v4 = (const struct sockaddr_in *)from;
	const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)from;

	e->src_port = ntohs(v4->sin_port); /* at the same place in both */
	if (from->ss_family == AF_INET)
		return put_bytes(d, &e->src, &v4->sin_addr, sizeof(v4->sin_addr), err);
	return put_bytes(d, &e->src, &v6->sin6_addr, sizeof(v6->sin6_addr), err);
}

static int put_destination(struct dump *d, InetDatagramEntry *e, struct msghdr *msg, struct img_err *err)
{
	for (struct cmsghdr *c = CMSG_FIRSTHDR(msg); c; c = CMSG_NXTHDR(msg, c)) {
		struct in_pktinfo v4;
		struct in6_pktinfo v6;

		if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_PKTINFO && e->src.len == sizeof(v4.ipi_addr)) {
			memcpy(&v4, CMSG_DATA(c), sizeof(v4));
			return put_bytes(d, &e->dst, &v4.ipi_addr, sizeof(v4.ipi_addr), err);
		}
		if (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_PKTINFO && e->src.len == sizeof(v6.ipi6_addr)) {
			memcpy(&v6, CMSG_DATA(c), sizeof(v6));
			return put_bytes(d, &e->dst, &v6.ipi6_addr, sizeof(v6.ipi6_addr), err);
		}
	}
	return img_fail(err, IMG_SYS, "a datagram does not tell where it was sent to");
}

/* 1: there was one; 0: that was all. */
static int next(struct dump *d, int fd, InetDatagramEntry *e, struct img_err *err)
{
	char data[DATAGRAM_MAX], control[1024];
	struct sockaddr_storage from = { 0 };
	struct iovec iov = { data, sizeof(data) };
	struct msghdr msg;
	ssize_t n = -1;

	for (int i = 0; n < 0 && i < ERRORS_MAX; i++) {
		msg = (struct msghdr){ .msg_name = &from, .msg_namelen = sizeof(from), .msg_iov = &iov, .msg_iovlen = 1,
			.msg_control = control, .msg_controllen = sizeof(control) };
		n = recvmsg(fd, &msg, MSG_PEEK | MSG_DONTWAIT);
		if (n < 0 && errno == EAGAIN)
			return 0;
	}
	if (n < 0)
		return img_fail_sys(err, "look at a datagram");
	if (put_source(d, e, &from, err) < 0 || put_destination(d, e, &msg, err) < 0 || put_bytes(d, &e->data, data, (size_t)n, err) < 0)
		return -1;
	return 1;
}

static int collect(struct dump *d, int fd, InetSkEntry *isk, InetDatagramEntry ***list, struct img_err *err)
{
	size_t room = 0;

	for (;;) {
		InetDatagramEntry *e = img_arena_alloc(&d->arena, sizeof(*e)), **place;
		int more;

		if (!e)
			return img_fail_nomem(err);
		inet_datagram_entry__init(e);
		more = next(d, fd, e, err);
		if (more <= 0)
			return more;
		place = img_array_more(list, isk->n_datagrams, &room);
		if (!place)
			return img_fail_nomem(err);
		*place = e;
		isk->n_datagrams++;
	}
}

int inet_queue_dump(struct dump *d, int fd, const struct inet_socket *s, InetSkEntry *isk, struct inet_opts *o, struct img_err *err)
{
	struct img_err second;
	struct look l;
	int ret;

	if (!inet_has_queue(s) || !s->seen || !s->seen->rqueue)
		return 0;
	if (look_begin(&l, fd, s->family, err) < 0)
		return -1;
	ret = collect(d, fd, isk, &o->datagrams, err);
	isk->datagrams = o->datagrams;
	if (look_end(&l, ret < 0 ? &second : err) < 0)
		ret = -1;
	if (ret == 0)
		log_info(d->log, "inet socket %#x: %zu datagrams to be read", isk->id, isk->n_datagrams);
	return ret < 0 ? img_wrap(err, "what it has not read") : 0;
}
