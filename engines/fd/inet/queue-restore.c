/* engines/fd/inet/queue-restore.c -- datagrams that had come to a UDP socket and were not read: sent to it again, from the same address and port.
 *
 * They go over the loopback device. Of several sockets that share the port the right one gets them, since for that time it is connected to
 * who sent them. What has no way back (from a link-local address, which belongs to a device; to a group that only a device has) is lost and said.
 */

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>
#include <linux/sock_diag.h>

#include "criu-restore/files.h"
#include "criu-restore/inet-own.h"
#include "criu-restore/restore.h"
#include "criuimg/cleanup.h"
#include "kernel/net-lock.h"

enum {
	DATA_MAX = 65507, /* RFC 768 in RFC 791 */
	PATIENCE = 500,	  /* ms, for a packet to go over the loopback device */
};

int inet_queue_check(const InetSkEntry *isk, struct img_err *err)
{
	size_t size = isk->family == AF_INET ? sizeof(struct in_addr) : sizeof(struct in6_addr);

	for (size_t i = 0; i < isk->n_datagrams; i++) {
		const InetDatagramEntry *e = isk->datagrams[i];

		if (isk->type != SOCK_DGRAM || e->src.len != size || e->dst.len != size || e->src_port > UINT16_MAX || e->data.len > DATA_MAX)
			return img_fail(err, IMG_CORRUPT, "has a datagram of %zu bytes, addresses of %zu and %zu bytes, port %u", e->data.len,
				e->src.len, e->dst.len, e->src_port);
	}
	return 0;
}

static socklen_t address_of(const ProtobufCBinaryData *b, uint32_t port, union inet_address *addr)
{
	struct sockaddr_in *v4 = (struct sockaddr_in *)&addr->storage;
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)&addr->storage;

	memset(addr, 0, sizeof(*addr));
	v4->sin_port = htons((uint16_t)port); /* at the same place in both */
	if (b->len == sizeof(v4->sin_addr)) {
		v4->sin_family = AF_INET;
		memcpy(&v4->sin_addr, b->data, sizeof(v4->sin_addr));
		return sizeof(*v4);
	}
	v6->sin6_family = AF_INET6;
	memcpy(&v6->sin6_addr, b->data, sizeof(v6->sin6_addr));
	return sizeof(*v6);
}

static bool is_any(const union inet_address *addr)
{
	const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)&addr->storage;

	if (addr->any.sa_family == AF_INET)
		return !((const struct sockaddr_in *)&addr->storage)->sin_addr.s_addr;
	return IN6_IS_ADDR_UNSPECIFIED(&v6->sin6_addr) || (IN6_IS_ADDR_V4MAPPED(&v6->sin6_addr) && !v6->sin6_addr.s6_addr32[3]);
}

static bool is_link_local(const union inet_address *addr)
{
	return addr->any.sa_family == AF_INET6 && IN6_IS_ADDR_LINKLOCAL(&((const struct sockaddr_in6 *)&addr->storage)->sin6_addr);
}

/* An address of one host, which is this one: nothing leaves it. */
static bool is_here(const union inet_address *addr, socklen_t len)
{
	union inet_address probe = *addr;
	const struct sockaddr_in *v4 = (const struct sockaddr_in *)&addr->storage;
	const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)&addr->storage;
	cleanup_fd int fd = socket(addr->any.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0); /* which takes no group and no broadcast address */

	if (addr->any.sa_family == AF_INET ? IN_MULTICAST(ntohl(v4->sin_addr.s_addr)) : IN6_IS_ADDR_MULTICAST(&v6->sin6_addr))
		return false;
	((struct sockaddr_in *)&probe.storage)->sin_port = 0;
	return fd >= 0 && !is_any(addr) && bind(fd, &probe.any, len) == 0;
}

/* Bytes that the kernel accounts for. */
static uint32_t fill_of(int fd)
{
	uint32_t info[SK_MEMINFO_VARS] = { 0 };
	socklen_t len = sizeof(info);

	return getsockopt(fd, SOL_SOCKET, SO_MEMINFO, info, &len) == 0 ? info[SK_MEMINFO_RMEM_ALLOC] : 0;
}

static bool wait_for_more(int fd, uint32_t than)
{
	const struct timespec a_little = { .tv_nsec = 1000000 };

	for (int ms = 0; ms < PATIENCE; ms++) {
		if (fill_of(fd) != than)
			return true;
		nanosleep(&a_little, NULL);
	}
	return false;
}

/* So that no other socket of the port gets it: the one with this very peer is preferred. A host that has no way to the peer, or would answer
 * from another address, leaves it as it is. */
static void connect_for_now(int fd, const union inet_address *from, const union inet_address *to, socklen_t len)
{
	const struct sockaddr nobody = { .sa_family = AF_UNSPEC };
	union inet_address own;
	socklen_t own_len = sizeof(own.storage);

	if (connect(fd, &from->any, len) == 0 && getsockname(fd, &own.any, &own_len) == 0 && !memcmp(&own, to, len))
		return;
	connect(fd, &nobody, sizeof(nobody));
}

/* 1: it is there; 0: it has no way back. */
static int put_back(int fd, const InetSkEntry *isk, const InetDatagramEntry *e, struct img_err *err)
{
	const struct sockaddr nobody = { .sa_family = AF_UNSPEC };
	union inet_address from, to;
	socklen_t len = address_of(&e->src, e->src_port, &from);
	struct kern_connection c;
	uint32_t before = fill_of(fd);
	int ret;

	address_of(&e->dst, isk->src_port, &to);
	if (is_any(&from) || is_link_local(&from) || !is_here(&to, len))
		return 0;
	if (kern_connection_of(&to.storage, &from.storage, &c, err) < 0)
		return -1;
	connect_for_now(fd, &from, &to, len);
	ret = inet_inject_datagram(&c, (int)isk->proto, e->data.data, e->data.len, err);
	if (ret == 0)
		ret = wait_for_more(fd, before);
	connect(fd, &nobody, sizeof(nobody));
	return ret;
}

/* Packets over the loopback device do not come to a socket of another device. */
static int of_device(int fd, const char *name, struct img_err *err)
{
	if (name && setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, name, (socklen_t)strlen(name)) < 0)
		return img_fail_sys(err, "bind to the device '%s'", name);
	return 0;
}

static int put_all(struct restore *r, int fd, const InetSkEntry *isk, struct img_err *err)
{
	size_t lost = 0;

	for (size_t i = 0; i < isk->n_datagrams; i++) {
		int there = put_back(fd, isk, isk->datagrams[i], err);

		if (there < 0)
			return -1;
		lost += !there;
	}
	if (lost)
		log_warn(r->log, "inet socket %#x: %zu of %zu datagrams that were not read yet have no way back and are lost", isk->id, lost,
			isk->n_datagrams);
	return 0;
}

int inet_queue_fill(struct restore *r, int fd, const InetSkEntry *isk, struct img_err *err)
{
	const char *device = isk->opts->so_bound_dev;
	int ret;

	if (!isk->n_datagrams)
		return 0;
	/* A datagram of its own each takes more than those that came together. */
	if (of_device(fd, device ? "" : NULL, err) < 0 || restore_sock_room(fd, SO_RCVBUF, INT32_MAX / 4, err) < 0)
		return -1;
	ret = put_all(r, fd, isk, err);
	if (ret == 0)
		ret = of_device(fd, device, err);
	return ret == 0 ? restore_sock_buffers(fd, isk->opts, err) : -1;
}
