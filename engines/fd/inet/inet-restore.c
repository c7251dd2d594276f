/* engines/fd/inet/inet-restore.c -- how criu-restore makes IPv4 and IPv6 sockets.
 *
 * Sockets are made with SO_REUSEADDR and SO_REUSEPORT, so that the order in which those of one port come does not matter. When all
 * have theirs, those that listen do; when they do, each gets its own settings.
 */

#include <errno.h>
#include <arpa/inet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "criu-restore/files.h"
#include "criu-restore/inet-own.h"
#include "criu-restore/restore.h"
#include "criuimg/cleanup.h"

bool inet_connected(const InetSkEntry *isk)
{
	return isk->type == SOCK_STREAM && isk->state != TCP_CLOSE && isk->state != TCP_LISTEN;
}

bool inet_carried(const struct restore *r, const InetSkEntry *isk)
{
	return inet_connected(isk) && !r->opt->tcp_close && !(r->inventory->has_tcp_close && r->inventory->tcp_close);
}

bool inet_ended(const struct restore *r, const InetSkEntry *isk)
{
	if (isk->type != SOCK_STREAM || isk->state == TCP_LISTEN)
		return false;
	return isk->state == TCP_CLOSE ? isk->has_shutdown && isk->shutdown != SK_SHUTDOWN__NONE : !inet_carried(r, isk);
}

/* ---- plan ---- */

static int check_addresses(const InetSkEntry *isk, struct img_err *err)
{
	size_t words = isk->family == AF_INET ? 1 : 4;

	if (isk->family != AF_INET && isk->family != AF_INET6)
		return img_fail(err, IMG_CORRUPT, "has family %u", isk->family);
	if (isk->n_src_addr != words || isk->n_dst_addr != words)
		return img_fail(err, IMG_CORRUPT, "has addresses of %zu and %zu words", isk->n_src_addr, isk->n_dst_addr);
	if (isk->src_port > UINT16_MAX || isk->dst_port > UINT16_MAX)
		return img_fail(err, IMG_CORRUPT, "has ports %u and %u", isk->src_port, isk->dst_port);
	return 0;
}

static int inet_plan(struct restore *r, const struct restore_file *f, struct img_err *err)
{
	const InetSkEntry *isk = f->rec->isk;
	struct inet_stream stream;
	int ret;

	if (!isk)
		return img_fail(err, IMG_CORRUPT, "has no inet socket record");
	if (isk->id != f->id)
		return img_fail(err, IMG_CORRUPT, "calls itself %#x", isk->id);
	if (check_addresses(isk, err) < 0)
		return -1;
	if (isk->type != SOCK_STREAM && isk->type != SOCK_DGRAM && isk->type != SOCK_RAW)
		return img_fail(err, IMG_UNSUPPORTED, "a socket of type %u and protocol %u is not supported", isk->type, isk->proto);
	if (isk->type == SOCK_STREAM && isk->proto != IPPROTO_TCP)
		return img_fail(err, IMG_UNSUPPORTED, "a stream socket of protocol %u is not supported", isk->proto);
	if (inet_groups_check(isk, err) < 0 || inet_queue_check(isk, err) < 0)
		return -1;
	if (!inet_carried(r, isk))
		return 0;
	if (!r->opt->tcp_established)
		return img_fail(err, IMG_UNSUPPORTED,
			"a TCP connection is restored with --tcp-established only (or --tcp-close, which gives it up)");
	ret = inet_stream_read(r, isk, &stream, err);
	if (ret == 0)
		inet_stream_free(&stream);
	return ret;
}

/* ---- making ---- */

socklen_t inet_address(const InetSkEntry *isk, bool peer, union inet_address *addr, struct img_err *err)
{
	const uint32_t *words = peer ? isk->dst_addr : isk->src_addr;
	uint16_t port = htons((uint16_t)(peer ? isk->dst_port : isk->src_port));
	struct sockaddr_in *v4 = (struct sockaddr_in *)&addr->storage;
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)&addr->storage;

	memset(addr, 0, sizeof(*addr));
	if (isk->family == AF_INET) {
		v4->sin_family = AF_INET;
		v4->sin_port = port;
		memcpy(&v4->sin_addr, words, sizeof(v4->sin_addr));
		return sizeof(*v4);
	}
	v6->sin6_family = AF_INET6;
	v6->sin6_port = port;
	memcpy(&v6->sin6_addr, words, sizeof(v6->sin6_addr));
	if (isk->ifname && !(v6->sin6_scope_id = if_nametoindex(isk->ifname))) {
		img_fail_sys(err, "the device '%s'", isk->ifname);
		return 0;
	}
	return sizeof(*v6);
}

static bool has_address(const InetSkEntry *isk, bool peer)
{
	const uint32_t *words = peer ? isk->dst_addr : isk->src_addr;
	uint32_t any = peer ? isk->dst_port : isk->type == SOCK_RAW ? 0 : isk->src_port;

	for (size_t i = 0; i < (isk->family == AF_INET ? 1 : 4); i++)
		any |= words[i];
	return any;
}

/* An address that this host does not have (yet): the dumped one may have lacked it as well. */
static int bind_freely(struct restore *r, int fd, const InetSkEntry *isk, const union inet_address *addr, socklen_t len)
{
	bool v4 = isk->family == AF_INET;
	int level = v4 ? IPPROTO_IP : IPPROTO_IPV6, opt = v4 ? IP_FREEBIND : IPV6_FREEBIND, on = 1, off = 0, ret;

	if (setsockopt(fd, level, opt, &on, sizeof(on)) < 0)
		return -1;
	ret = bind(fd, &addr->any, len);
	if (setsockopt(fd, level, opt, &off, sizeof(off)) < 0)
		return -1;
	if (ret == 0)
		log_warn(r->log, "inet socket %#x: this host does not have its address; it is bound to it all the same", isk->id);
	return ret;
}

static int bind_it(struct restore *r, int fd, const InetSkEntry *isk, struct img_err *err)
{
	union inet_address addr;
	socklen_t len = inet_address(isk, false, &addr, err);
	char text[INET6_ADDRSTRLEN] = "";

	if (!len)
		return -1;
	if (bind(fd, &addr.any, len) == 0)
		return 0;
	if (errno == EADDRNOTAVAIL && bind_freely(r, fd, isk, &addr, len) == 0)
		return 0;
	img_fail_sys(err, "bind");
	inet_ntop((int)isk->family, isk->src_addr, text, sizeof(text));
	return img_wrap(err, "address %s, port %u", text, isk->src_port);
}

static int connect_it(int fd, const InetSkEntry *isk, struct img_err *err)
{
	union inet_address addr;
	socklen_t len = inet_address(isk, true, &addr, err);
	char text[INET6_ADDRSTRLEN] = "";

	if (!len)
		return -1;
	if (connect(fd, &addr.any, len) == 0)
		return 0;
	img_fail_sys(err, "connect");
	inet_ntop((int)isk->family, isk->dst_addr, text, sizeof(text));
	return img_wrap(err, "peer %s, port %u", text, isk->dst_port);
}

/* ICMP sockets are for some groups only. */
static int open_as_group(const InetSkEntry *isk, struct img_err *err)
{
	unsigned low = 1, high = 0;
	FILE *f = fopen("/proc/sys/net/ipv4/ping_group_range", "re");
	gid_t own = getegid();
	int fd;

	if (f && fscanf(f, "%u %u", &low, &high) != 2)
		high = 0, low = 1;
	if (f)
		fclose(f);
	if (low > high)
		return img_fail(err, IMG_UNSUPPORTED, "no group may have ICMP sockets here (sysctl net.ipv4.ping_group_range)");
	if (setresgid(-1, low, -1) < 0)
		return img_fail_sys(err, "become a member of group %u", low);
	fd = socket((int)isk->family, (int)isk->type | SOCK_CLOEXEC, (int)isk->proto);
	if (fd < 0)
		img_fail_sys(err, "make a socket of protocol %u", isk->proto);
	if (setresgid(-1, own, -1) < 0) {
		if (fd >= 0)
			close(fd);
		return img_fail_sys(err, "be of group %u again", own);
	}
	return fd;
}

static int open_it(const InetSkEntry *isk, struct img_err *err)
{
	int fd = socket((int)isk->family, (int)isk->type | SOCK_CLOEXEC, (int)isk->proto);

	if (fd < 0 && errno == EACCES)
		return open_as_group(isk, err);
	return fd < 0 ? img_fail_sys(err, "make a socket of type %u, protocol %u", isk->type, isk->proto) : fd;
}

static int make_other(struct restore *r, int fd, const InetSkEntry *isk, struct img_err *err)
{
	if (has_address(isk, false) && bind_it(r, fd, isk, err) < 0)
		return -1;
	if (isk->type == SOCK_STREAM)
		return 0;
	if (inet_groups_join(fd, isk, err) < 0 || inet_queue_fill(r, fd, isk, err) < 0)
		return -1;
	if (has_address(isk, true) && connect_it(fd, isk, err) < 0)
		return -1;
	/* sk_shutdown is 1 + SHUT_RD, SHUT_WR, SHUT_RDWR */
	if (isk->has_shutdown && isk->shutdown != SK_SHUTDOWN__NONE && shutdown(fd, (int)isk->shutdown - 1) < 0 &&
	    errno != ENOTCONN) /* which is said when it is done */
		return img_fail_sys(err, "shutdown %d", (int)isk->shutdown);
	return 0;
}

static int set_reuse(int fd, bool addr, bool port, struct img_err *err)
{
	if (inet_set(fd, SOL_SOCKET, SO_REUSEADDR, "SO_REUSEADDR", addr, err) < 0)
		return -1;
	return inet_set(fd, SOL_SOCKET, SO_REUSEPORT, "SO_REUSEPORT", port, err);
}

int inet_own_reuse(int fd, const InetSkEntry *isk, struct img_err *err)
{
	return set_reuse(fd, isk->opts->has_reuseaddr && isk->opts->reuseaddr, isk->opts->has_so_reuseport && isk->opts->so_reuseport, err);
}

static int make_socket(struct restore *r, int fd, const InetSkEntry *isk, struct img_err *err)
{
	SkOptsEntry opts = *isk->opts;

	/* What a filter would refuse has come already. */
	opts.n_so_filter = 0;
	opts.has_so_lock_filter = false;
	/* IP_TOS changes SO_PRIORITY. */
	if (inet_opts_restore(fd, isk, err) < 0 || restore_sock_opts(fd, &opts, err) < 0)
		return -1;
	if (inet_carried(r, isk))
		return inet_tcp_make(r, fd, isk, err);
	if (inet_ended(r, isk))
		return inet_ended_make(r, fd, isk, err);
	if (isk->type != SOCK_RAW && set_reuse(fd, true, true, err) < 0)
		return -1;
	return make_other(r, fd, isk, err);
}

static int inet_make(struct restore *r, struct restore_task *t, const struct restore_file *const *files, size_t nr, int *fds,
	struct img_err *err)
{
	const InetSkEntry *isk = files[0]->rec->isk;

	fds[0] = open_it(isk, err);
	if (fds[0] < 0 || make_socket(r, fds[0], isk, err) < 0 || restore_file_flags(fds[0], isk->flags, err) < 0)
		return -1;
	return restore_file_owner(r, fds[0], isk->fown, err);
}

/* All sockets have their ports. */
static int inet_finish(struct restore *r, struct restore_task *t, const struct restore_file *file, int fd, struct img_err *err)
{
	const InetSkEntry *isk = file->rec->isk;

	if (isk->state == TCP_LISTEN && listen(fd, (int)isk->backlog) < 0)
		return img_fail_sys(err, "listen with a backlog of %u", isk->backlog);
	if (isk->type != SOCK_STREAM && inet_own_reuse(fd, isk, err) < 0)
		return -1;
	return restore_sock_filter(fd, isk->opts, err);
}

static const FownEntry *inet_owner(const struct restore *r, const struct restore_file *f)
{
	return f->rec->isk->fown;
}

const struct fd_restore_ops inet_restore_ops = {
	.name = "inet socket",
	.type = FD_TYPES__INETSK,
	.plan = inet_plan,
	.make = inet_make,
	.owner = inet_owner,
	.finish = inet_finish,
};
