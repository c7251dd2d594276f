/* engines/fd/inet/inet-dump.c -- what criu-dump saves of an IPv4 or IPv6 socket: TCP, UDP, UDP-Lite, ICMP, raw. */

#include <errno.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "criu-dump/dump.h"
#include "criu-dump/files.h"
#include "criu-dump/inet-own.h"
#include "criu-dump/per-netns.h"
#include "criuimg/cleanup.h"
#include "kernel/getfd.h"
#include "kernel/igmp.h"
#include "kernel/inet-diag.h"

extern const struct fd_dump_ops inet_dump_ops;

struct inet_kept {
	struct per_netns lists;	 /* of struct kern_inet_sockets */
	struct per_netns groups; /* of struct kern_groups */
	struct inet_defaults *defaults;
	bool locked;
};

static int read_list(void *memory, struct img_err *err)
{
	return kern_inet_sockets(memory, err);
}

static void drop_list(void *memory)
{
	kern_inet_sockets_free(memory);
}

static const struct per_netns_ops lists = { sizeof(struct kern_inet_sockets), read_list, drop_list };

static int read_groups(void *memory, struct img_err *err)
{
	return kern_groups_read(memory, err);
}

static void drop_groups(void *memory)
{
	kern_groups_free(memory);
}

static const struct per_netns_ops groups = { sizeof(struct kern_groups), read_groups, drop_groups };

static void drop_kept(void *memory)
{
	struct inet_kept *kept = memory;

	dump_per_netns_free(&kept->lists, &lists);
	dump_per_netns_free(&kept->groups, &groups);
	inet_defaults_free(kept->defaults);
}

static struct inet_kept *keep(struct dump *d)
{
	return dump_files_keep(d, &inet_dump_ops, sizeof(struct inet_kept), drop_kept);
}

bool *inet_locked(struct dump *d)
{
	struct inet_kept *kept = keep(d);

	return kept ? &kept->locked : NULL;
}

/* The sockets of the namespace that t lives in. */
static const struct kern_inet_sockets *listing(struct dump *d, struct dump_task *t, struct img_err *err)
{
	struct inet_kept *kept = keep(d);

	if (!kept) {
		img_fail_nomem(err);
		return NULL;
	}
	return dump_per_netns(d, t, &kept->lists, &lists, err);
}

static bool inet_claims(const struct fd_probe *probe)
{
	return probe->domain == AF_INET || probe->domain == AF_INET6;
}

/* ---- the socket itself ---- */

static int number(int fd, int opt, const char *name, int *value, struct img_err *err)
{
	socklen_t len = sizeof(*value);

	return getsockopt(fd, SOL_SOCKET, opt, value, &len) < 0 ? img_fail_sys(err, "%s", name) : 0;
}

static int tcp_state(int fd, struct inet_socket *s, struct img_err *err)
{
	struct pollfd p = { .fd = fd, .events = POLLRDHUP };
	struct tcp_info info = { 0 };
	socklen_t len = sizeof(info);

	if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &len) < 0)
		return img_fail_sys(err, "TCP_INFO");
	s->state = info.tcpi_state;
	if (s->state == TCP_LISTEN) { /* net/ipv4/tcp.c: these two have another meaning then */
		s->pending = info.tcpi_unacked;
		s->backlog = info.tcpi_sacked;
	}
	if (s->state == TCP_CLOSE && poll(&p, 1, 0) > 0)
		s->ended = p.revents & POLLRDHUP;
	return 0;
}

/* getpeername(2) does not tell where a connection is going that is not there yet. */
static void peer_seen(struct inet_socket *s)
{
	struct sockaddr_in *v4 = (struct sockaddr_in *)&s->dst;
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)&s->dst;

	s->dst.ss_family = (sa_family_t)s->family;
	if (s->family == AF_INET) {
		memcpy(&v4->sin_addr, s->seen->dst, sizeof(v4->sin_addr));
		v4->sin_port = htons(s->seen->dport);
	} else {
		memcpy(&v6->sin6_addr, s->seen->dst, sizeof(v6->sin6_addr));
		v6->sin6_port = htons(s->seen->dport);
	}
}

int inet_look(struct dump *d, struct dump_task *t, int fd, uint64_t ino, struct inet_socket *s, struct img_err *err)
{
	const struct kern_inet_sockets *all = listing(d, t, err);
	socklen_t len = sizeof(s->src);

	*s = (struct inet_socket){ .state = TCP_CLOSE };
	if (!all)
		return -1;
	s->seen = kern_inet_socket_find(all, ino);
	if (number(fd, SO_DOMAIN, "SO_DOMAIN", &s->family, err) < 0 || number(fd, SO_TYPE, "SO_TYPE", &s->type, err) < 0 ||
	    number(fd, SO_PROTOCOL, "SO_PROTOCOL", &s->protocol, err) < 0)
		return -1;
	if (getsockname(fd, (struct sockaddr *)&s->src, &len) < 0)
		return img_fail_sys(err, "its address");
	len = sizeof(s->dst);
	if (getpeername(fd, (struct sockaddr *)&s->dst, &len) < 0)
		s->dst = (struct sockaddr_storage){ 0 };
	else if (s->protocol != IPPROTO_TCP)
		s->state = TCP_ESTABLISHED;
	if (s->protocol != IPPROTO_TCP || s->type != SOCK_STREAM)
		return 0;
	if (!s->dst.ss_family && s->seen && s->seen->dport)
		peer_seen(s);
	return tcp_state(fd, s, err);
}

bool inet_connected(const struct inet_socket *s)
{
	return s->type == SOCK_STREAM && s->state != TCP_CLOSE && s->state != TCP_LISTEN;
}

/* ---- the record ---- */

static size_t put_address(const struct sockaddr_storage *sa, int family, uint32_t words[4], uint32_t *port)
{
	const struct sockaddr_in *v4 = (const struct sockaddr_in *)sa;
	const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)sa;

	if (sa->ss_family == AF_INET) {
		memcpy(words, &v4->sin_addr, 4);
		*port = ntohs(v4->sin_port);
	} else if (sa->ss_family == AF_INET6) {
		memcpy(words, &v6->sin6_addr, 16);
		*port = ntohs(v6->sin6_port);
	}
	return family == AF_INET ? 1 : 4;
}

/* The device of a link-local address. */
static const char *device_of(const struct inet_socket *s, char name[IF_NAMESIZE])
{
	const struct sockaddr_in6 *src = (const struct sockaddr_in6 *)&s->src, *dst = (const struct sockaddr_in6 *)&s->dst;
	uint32_t scope = 0;

	if (src->sin6_family == AF_INET6)
		scope = src->sin6_scope_id;
	if (!scope && dst->sin6_family == AF_INET6)
		scope = dst->sin6_scope_id;
	return scope ? if_indextoname(scope, name) : NULL;
}

static int v6only(int fd, InetSkEntry *isk, struct img_err *err)
{
	int value = 0;
	socklen_t len = sizeof(value);

	if (getsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &value, &len) < 0)
		return img_fail_sys(err, "IPV6_V6ONLY");
	isk->has_v6only = true;
	isk->v6only = value != 0;
	return 0;
}

/* All of it hangs on isk. */
struct inet_record {
	InetSkEntry isk;
	SkOptsEntry opts;
	FownEntry fown;
	struct inet_opts more;
	uint32_t src[4], dst[4];
	char ifname[IF_NAMESIZE];
};

static int fill(struct dump *d, const struct fd_target *t, const struct inet_socket *s, struct inet_record *r, struct img_err *err)
{
	const struct kern_groups *all = dump_per_netns(d, t->task, &keep(d)->groups, &groups, err);
	const struct kern_inet_socket *seen = s->seen;
	InetSkEntry *isk = &r->isk;

	if (!all)
		return -1;

	isk->id = t->id;
	isk->ino = (uint32_t)t->probe->ino;
	isk->family = (uint32_t)s->family;
	isk->type = (uint32_t)s->type;
	isk->proto = (uint32_t)s->protocol;
	isk->state = (uint32_t)s->state;
	isk->flags = t->probe->flags;
	isk->backlog = s->state == TCP_LISTEN ? s->backlog : seen ? seen->wqueue : 0;
	isk->src_addr = r->src;
	isk->n_src_addr = put_address(&s->src, s->family, r->src, &isk->src_port);
	isk->dst_addr = r->dst;
	isk->n_dst_addr = put_address(&s->dst, s->family, r->dst, &isk->dst_port);
	if (s->type == SOCK_RAW)
		isk->src_port = isk->proto; /* as CRIU has it */
	isk->fown = &r->fown;
	isk->opts = &r->opts;
	isk->ifname = (char *)device_of(s, r->ifname);
	isk->has_ns_id = t->task->ids != NULL;
	isk->ns_id = t->task->ids ? t->task->ids->net_ns_id : 0;
	isk->has_shutdown = s->ended || (seen && seen->shutdown);
	isk->shutdown = s->ended ? SK_SHUTDOWN__READ : seen ? (SkShutdown)seen->shutdown : SK_SHUTDOWN__NONE;
	if (dump_file_owner(d, t, &r->fown, err) < 0 || dump_sock_opts(d, t->lfd, &r->opts, err) < 0 ||
	    inet_opts_dump(&keep(d)->defaults, t->lfd, s, isk, &r->more, err) < 0 ||
	    inet_groups_dump(d, t->lfd, all, isk, err) < 0 || inet_queue_dump(d, t->lfd, s, isk, &r->more, err) < 0)
		return -1;
	return s->family == AF_INET6 ? v6only(t->lfd, isk, err) : 0;
}

static int inet_dump(struct dump *d, const struct fd_target *t, struct img_err *err)
{
	struct inet_record r = { .isk = INET_SK_ENTRY__INIT, .opts = SK_OPTS_ENTRY__INIT, .fown = FOWN_ENTRY__INIT };
	FileEntry rec = FILE_ENTRY__INIT;
	struct inet_socket s;
	int ret;

	if (inet_look(d, t->task, t->lfd, t->probe->ino, &s, err) < 0)
		return -1;
	ret = fill(d, t, &s, &r, err);
	if (ret == 0) {
		rec.type = FD_TYPES__INETSK;
		rec.id = t->id;
		rec.isk = &r.isk;
		log_info(d->log, "inet socket %#x: inode %u, family %d, type %d, protocol %d, state %d, port %u", t->id, r.isk.ino,
			s.family, s.type, s.protocol, s.state, r.isk.src_port);
		ret = dump_write_file(d, &rec, err);
	}
	inet_opts_free(&r.more);
	if (ret < 0 || s.type != SOCK_STREAM)
		return ret;
	if (d->opt->tcp_close)
		return inet_connected(&s) ? inet_tcp_give_up(d, t, err) : 0;
	return inet_connected(&s) || s.ended ? inet_tcp_dump(d, t, &s, err) : 0;
}

const struct fd_dump_ops inet_dump_ops = {
	.name = "inet socket",
	.type = FD_TYPES__INETSK,
	.claims = inet_claims,
	.check = inet_check_socket,
	.dump = inet_dump,
};
