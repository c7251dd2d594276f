/* engines/fd/netlink/netlink-dump.c -- what criu-dump saves of a netlink socket: address, groups, peer, options. netlink(7). */

#include <linux/netlink.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>

#include "criu-dump/dump.h"
#include "criu-dump/files.h"
#include "criu-dump/per-netns.h"
#include "criuimg/array.h"
#include "criuimg/cleanup.h"
#include "kernel/getfd.h"
#include "kernel/netlink-diag.h"
#include "sk-netlink.pb-c.h"

extern const struct fd_dump_ops netlink_dump_ops;

static int read_list(void *memory, struct img_err *err)
{
	return kern_netlink_sockets(memory, err);
}

static void drop_list(void *memory)
{
	kern_netlink_sockets_free(memory);
}

static const struct per_netns_ops lists = { sizeof(struct kern_netlink_sockets), read_list, drop_list };

static void drop_kept(void *memory)
{
	dump_per_netns_free(memory, &lists);
}

/* One that is neither bound nor connected is not listed: *s is NULL then. */
static int look(struct dump *d, struct dump_task *t, uint64_t ino, const struct kern_netlink_socket **s, struct img_err *err)
{
	struct per_netns *kept = dump_files_keep(d, &netlink_dump_ops, sizeof(*kept), drop_kept);
	const struct kern_netlink_sockets *all;

	if (!kept)
		return img_fail_nomem(err);
	all = dump_per_netns(d, t, kept, &lists, err);
	if (!all)
		return -1;
	*s = kern_netlink_socket_find(all, ino);
	return 0;
}

static bool netlink_claims(const struct fd_probe *probe)
{
	return probe->domain == AF_NETLINK;
}

static int netlink_check(struct dump *d, struct dump_task *t, const struct fd_probe *probe, struct img_err *err)
{
	const struct kern_netlink_socket *s;
	struct pollfd p = { .events = POLLIN };
	cleanup_fd int fd = kern_getfd(t->pidfd, probe->fd, err);

	p.fd = fd;
	if (fd < 0 || look(d, t, probe->ino, &s, err) < 0)
		return -1;
	if (poll(&p, 1, 0) > 0 && (p.revents & POLLIN))
		return img_fail(err, IMG_UNSUPPORTED, "a netlink socket with messages that were not read yet is not supported");
	return 0;
}

/* Those that are on. */
static const int options[] = {
	NETLINK_PKTINFO, NETLINK_BROADCAST_ERROR, NETLINK_NO_ENOBUFS, NETLINK_LISTEN_ALL_NSID, NETLINK_CAP_ACK, NETLINK_EXT_ACK,
	NETLINK_GET_STRICT_CHK,
};

struct record {
	NetlinkSkEntry nl;
	SkOptsEntry opts;
	FownEntry fown;
	SkIntOptEntry more[ARRAY_SIZE(options)], *more_list[ARRAY_SIZE(options)];
};

static void put_options(int fd, struct record *r)
{
	for (size_t i = 0; i < ARRAY_SIZE(options); i++) {
		int value = 0;
		socklen_t len = sizeof(value);
		SkIntOptEntry *e = &r->more[r->nl.n_more_opts];

		if (getsockopt(fd, SOL_NETLINK, options[i], &value, &len) < 0 || !value)
			continue;
		sk_int_opt_entry__init(e);
		e->level = SOL_NETLINK;
		e->name = (uint32_t)options[i];
		e->value = value;
		r->more_list[r->nl.n_more_opts++] = e;
	}
	r->nl.more_opts = r->more_list;
}

static int netlink_dump(struct dump *d, const struct fd_target *t, struct img_err *err)
{
	struct record r = { .nl = NETLINK_SK_ENTRY__INIT, .opts = SK_OPTS_ENTRY__INIT, .fown = FOWN_ENTRY__INIT };
	const struct kern_netlink_socket *s = NULL;
	FileEntry rec = FILE_ENTRY__INIT;
	int protocol = 0;
	socklen_t len = sizeof(protocol);

	if (look(d, t->task, t->probe->ino, &s, err) < 0 || dump_file_owner(d, t, &r.fown, err) < 0 ||
	    dump_sock_opts(d, t->lfd, &r.opts, err) < 0)
		return -1;
	if (getsockopt(t->lfd, SOL_SOCKET, SO_PROTOCOL, &protocol, &len) < 0)
		return img_fail_sys(err, "SO_PROTOCOL");
	r.nl.id = t->id;
	r.nl.ino = (uint32_t)t->probe->ino;
	r.nl.protocol = (uint32_t)protocol;
	r.nl.flags = t->probe->flags;
	r.nl.has_type = true;
	r.nl.type = (uint32_t)t->probe->type;
	if (s) {
		r.nl.state = s->state;
		r.nl.portid = s->portid;
		r.nl.dst_portid = s->dst_portid;
		r.nl.dst_group = s->dst_group;
		r.nl.groups = (uint32_t *)s->groups;
		r.nl.n_groups = s->nr_words;
	}
	r.nl.has_ns_id = t->task->ids != NULL;
	r.nl.ns_id = t->task->ids ? t->task->ids->net_ns_id : 0;
	r.nl.fown = &r.fown;
	r.nl.opts = &r.opts;
	put_options(t->lfd, &r);
	rec.type = FD_TYPES__NETLINKSK;
	rec.id = t->id;
	rec.nlsk = &r.nl;
	log_info(d->log, "netlink socket %#x: inode %u, protocol %u, port %u", t->id, r.nl.ino, r.nl.protocol, r.nl.portid);
	return dump_write_file(d, &rec, err);
}

const struct fd_dump_ops netlink_dump_ops = {
	.name = "netlink socket",
	.type = FD_TYPES__NETLINKSK,
	.claims = netlink_claims,
	.check = netlink_check,
	.dump = netlink_dump,
};
