/* engines/fd/unix/unix-restore.c -- how criu-restore rebuilds unix sockets.
 *
 * One task makes all that have to do with each other (groups-restore.c):
 *	pairs		socketpair(2), also for what connect(2) and accept(2) once made
 *	accepted ones	that share their name with others: a socket that listens is there for a moment, to be connected to
 *	the others	socket(2)
 *	names		bind(2), and while a socket can be found by its name, whoever is connected to it that way connects
 *	queues		sent by the other side, or by a socket that is there for this only
 *	options, flags
 * Where descriptors come along with what is in a queue, the last two wait until all files are made.
 */

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <netinet/tcp.h>

#include "criuimg/cleanup.h"
#include "criu-restore/inherit.h"
#include "criu-restore/namespaces.h"
#include "criu-restore/unix-own.h"
#include "plugin/plugin.h"
#include "rpc.pb-c.h"

/* ---- plan ---- */

static int unix_plan(struct restore *r, const struct restore_file *f, struct img_err *err)
{
	const UnixSkEntry *usk = f->rec->usk;

	if (!usk)
		return img_fail(err, IMG_CORRUPT, "has no unix socket record");
	if (usk->id != f->id)
		return img_fail(err, IMG_CORRUPT, "calls itself %#x", usk->id);
	if (usk->type != SOCK_STREAM && usk->type != SOCK_DGRAM && usk->type != SOCK_SEQPACKET)
		return img_fail(err, IMG_CORRUPT, "has type %u", usk->type);
	if (usk->name.len > KERN_UNIX_NAME_MAX)
		return img_fail(err, IMG_CORRUPT, "has a name of %zu bytes", usk->name.len);
	if (usk->name.len && usk->name.data[0] && memchr(usk->name.data, 0, usk->name.len - 1))
		return img_fail(err, IMG_CORRUPT, "has a path with a NUL in it");
	if (usk->state == TCP_LISTEN && !usk->name.len && !usk->uflags)
		return img_fail(err, IMG_UNSUPPORTED, "a unix socket that listens without a name is not supported");
	if (usk->uflags == UNIX_CLIENT)
		return usk->type == SOCK_SEQPACKET && !usk->peer && !usk->name.len
			       ? 0
			       : img_fail(err, IMG_CORRUPT, "is no connection of a client");
	if (usk->uflags == UNIX_PLUGIN)
		return plugins_hook(r->plugins, CR_PLUGIN_HOOK__RESTORE_UNIX_SK, 0)
			       ? 0
			       : img_fail(err, IMG_UNSUPPORTED, "was saved by a plugin that is not here (see --libdir)");
	if (usk->uflags & ~(uint32_t)UNIX_OUTSIDE)
		return img_fail(err, IMG_UNSUPPORTED, "has flags %#x, which are not known", usk->uflags);
	if (usk->uflags && usk->type != SOCK_DGRAM && !plugins_hook(r->plugins, CR_PLUGIN_HOOK__RESTORE_UNIX_SK, 0))
		return img_fail(err, IMG_UNSUPPORTED, "a peer outside of the tree that is not of type dgram with a name is not supported");
	if (usk->peer == usk->ino && (usk->type != SOCK_DGRAM || !usk->name.len))
		return img_fail(err, IMG_CORRUPT, "is its own peer");
	return 0;
}

static uint64_t unix_group(const struct restore *r, const struct restore_file *f)
{
	return unix_planned_of(r, f->id)->root;
}

/* ---- making ---- */

struct sock {
	const UnixSkEntry *u;
	struct unix_planned *plan;
	int fd;
	int far; /* what sends what is in its queue, and nobody has; -1: none */
	bool connected;
	bool handed; /* by the caller (--inherit-fd), or made by a plugin */
	int root;    /* of the mount namespace that its name is in; -1: ours */
	struct sock *peer;
	struct sock *first_in, *next_in; /* those that are connected to it by its name */
};

struct unix_set {
	struct restore *r;
	struct sock *socks;
	size_t nr;
	struct unix_set *next;
};

static int furnish(struct restore *r, int fd, const UnixSkEntry *usk, struct img_err *err)
{
	if (restore_sock_opts(fd, usk->opts, err) < 0)
		return -1;
	/* sk_shutdown is 1 + SHUT_RD, SHUT_WR, SHUT_RDWR. What the peer's end has shut already stays so. */
	if (usk->has_shutdown && (usk->peer || usk->type == SOCK_DGRAM) && usk->shutdown != SK_SHUTDOWN__NONE &&
	    shutdown(fd, (int)usk->shutdown - 1) < 0)
		return img_fail_sys(err, "shutdown %d", (int)usk->shutdown);
	if (restore_file_flags(fd, usk->flags, err) < 0)
		return -1;
	return restore_file_owner(r, fd, usk->fown, err);
}


static bool mutual(const struct sock *s)
{
	return s->peer && s->peer != s && s->peer->peer == s;
}

static bool outside_record(const UnixSkEntry *u)
{
	return u->uflags & UNIX_OUTSIDE;
}

static bool outside(const struct sock *s)
{
	return outside_record(s->u);
}

static bool is_clients(const struct sock *s)
{
	return s->u->uflags == UNIX_CLIENT;
}

/* Its task waits for the answer to a request, that it be dumped: it is told that it is the one that was restored. */
static int answer(const struct sock *s, struct img_err *err)
{
	CriuDumpResp dump = CRIU_DUMP_RESP__INIT;
	CriuResp resp = CRIU_RESP__INIT;
	uint8_t packet[64];

	resp.type = CRIU_REQ_TYPE__DUMP;
	resp.success = true;
	resp.dump = &dump;
	dump.has_restored = dump.restored = true;
	if (criu_resp__get_packed_size(&resp) > sizeof(packet) ||
		send(s->far, packet, criu_resp__pack(&resp, packet), MSG_NOSIGNAL) < 0)
		return img_fail_sys(err, "unix socket %#x: answer its request", s->u->id);
	return 0;
}

static int by_ino(const void *va, const void *vb)
{
	const struct sock *a = *(struct sock *const *)va, *b = *(struct sock *const *)vb;

	return a->u->ino < b->u->ino ? -1 : a->u->ino > b->u->ino;
}

static int find_peers(struct unix_set *set, struct img_err *err)
{
	cleanup_free struct sock **order = calloc(set->nr, sizeof(*order));

	if (!order)
		return img_fail_nomem(err);
	for (size_t i = 0; i < set->nr; i++)
		order[i] = &set->socks[i];
	qsort(order, set->nr, sizeof(*order), by_ino);
	for (size_t i = 0; i < set->nr; i++) {
		UnixSkEntry u = { .ino = set->socks[i].u->peer };
		struct sock seek = { .u = &u }, *key = &seek, **peer;

		peer = u.ino ? bsearch(&key, order, set->nr, sizeof(*order), by_ino) : NULL;
		set->socks[i].peer = peer ? *peer : NULL;
		/* One that is outside and has no name cannot be connected to: its other side is shut. */
		if (peer && outside(*peer) && !(*peer)->u->name.len)
			set->socks[i].peer = NULL;
	}
	for (size_t i = set->nr; i--;) {
		struct sock *s = &set->socks[i];

		if (!s->peer || mutual(s))
			continue;
		s->next_in = s->peer->first_in;
		s->peer->first_in = s;
	}
	return 0;
}

static int new_socket(const struct sock *s, struct img_err *err)
{
	int fd = socket(AF_UNIX, (int)s->u->type | SOCK_CLOEXEC, 0);

	return fd < 0 ? img_fail_sys(err, "make a socket") : fd;
}

/* of: whose SO_PEERCRED tells who connects, or listens. */
static int listen_as(int fd, int backlog, const UnixSkEntry *of, struct img_err *err)
{
	struct unix_identity was;
	int ret;

	if (unix_become(of, &was, err) < 0)
		return -1;
	ret = listen(fd, backlog) < 0 ? img_fail_sys(err, "listen") : 0;
	return unix_become_again(&was, err) < 0 ? -1 : ret;
}

static int join(int fd, const struct sockaddr_un *addr, socklen_t len, const UnixSkEntry *of, struct img_err *err)
{
	struct unix_identity was;
	int ret, saved;

	if (unix_become(of, &was, err) < 0)
		return -1;
	ret = connect(fd, (const struct sockaddr *)addr, len);
	saved = errno;
	if (unix_become_again(&was, err) < 0)
		return -1;
	errno = saved;
	if (ret < 0)
		return img_fail_sys(err, "connect to '%s%.*s'", addr->sun_path[0] ? "" : "@",
			(int)(len - offsetof(struct sockaddr_un, sun_path)) - 1, addr->sun_path + !addr->sun_path[0]);
	return 0;
}

/* It has its name: who is connected to it comes. */
static int meet(void *arg, const struct sockaddr_un *addr, socklen_t len, struct img_err *err)
{
	struct sock *s = arg;
	bool listens = s->u->state == TCP_LISTEN && !outside(s);

	/* A queue may be longer than it may become any more: listen(2) was called again. */
	if (listens && listen_as(s->fd, INT32_MAX, s->u, err) < 0)
		return -1;
	if (s->far >= 0 && s->u->type == SOCK_DGRAM && !mutual(s) && join(s->far, addr, len, NULL, err) < 0)
		return -1;
	for (struct sock *in = s->first_in; in; in = in->next_in) {
		if (in->handed)
			continue;
		if (join(in->fd, addr, len, NULL, err) < 0)
			return img_wrap(err, "unix socket %#x", in->u->id);
		in->connected = true;
	}
	if (listens && listen_as(s->fd, (int)s->u->backlog, s->u, err) < 0)
		return -1;
	return 0;
}

static int name_it(struct restore *r, struct sock *s, struct img_err *err)
{
	struct unix_naming n = { .u = s->u, .fd = s->fd, .root = s->root, .named = s->plan->named, .meet = meet, .arg = s };

	/* That of a connected socket may be somebody else's who listens. */
	n.passing = s->u->type != SOCK_DGRAM && s->u->state == TCP_ESTABLISHED;
	return unix_name(r, &n, err);
}

struct reception {
	int listener, client, accepted;
	const UnixSkEntry *client_of, *accepted_of; /* their records; NULL: nobody has it */
};

static int receive(void *arg, const struct sockaddr_un *addr, socklen_t len, struct img_err *err)
{
	struct reception *m = arg;

	if (listen_as(m->listener, 1, m->client_of, err) < 0)
		return -1;
	if (join(m->client, addr, len, m->accepted_of, err) < 0)
		return -1;
	m->accepted = accept4(m->listener, NULL, NULL, SOCK_CLOEXEC);
	return m->accepted < 0 ? img_fail_sys(err, "accept") : 0;
}

/* s got its name by accept(2). */
static int make_accepted(struct restore *r, struct sock *s, struct img_err *err)
{
	cleanup_fd int listener = new_socket(s, err);
	struct reception m = {
		.listener = listener, .accepted = -1, .client_of = mutual(s) ? s->peer->u : NULL, .accepted_of = s->u,
	};
	struct unix_naming n = { .u = s->u, .fd = listener, .root = s->root, .passing = true, .named = s->plan->named, .meet = receive, .arg = &m };
	int *client = mutual(s) ? &s->peer->fd : &s->far;

	if (listener < 0 || (*client = new_socket(s, err)) < 0)
		return -1;
	m.client = *client;
	if (mutual(s) && s->peer->u->name.len && name_it(r, s->peer, err) < 0)
		return -1;
	if (unix_name(r, &n, err) < 0)
		return -1;
	s->fd = m.accepted;
	return 0;
}

/* Both sides of a connection, or the one that is left. */
static int make_pair(struct restore *r, struct sock *s, struct img_err *err)
{
	struct unix_identity was;
	int ends[2], ret;

	if (s->plan->accepted)
		return make_accepted(r, s, err);
	if (mutual(s) && s->peer->plan->accepted)
		return make_accepted(r, s->peer, err);
	if (unix_become(s->u, &was, err) < 0)
		return -1;
	ret = socketpair(AF_UNIX, (int)s->u->type | SOCK_CLOEXEC, 0, ends) < 0 ? img_fail_sys(err, "make a pair") : 0;
	if (unix_become_again(&was, err) < 0 || ret < 0)
		return -1;
	s->fd = ends[0];
	*(mutual(s) ? &s->peer->fd : &s->far) = ends[1];
	if (s->u->name.len && name_it(r, s, err) < 0)
		return -1;
	return mutual(s) && s->peer->u->name.len ? name_it(r, s->peer, err) : 0;
}

static bool is_pair(const struct sock *s)
{
	if (mutual(s) || is_clients(s))
		return true;
	if (s->peer || s->u->state != TCP_ESTABLISHED)
		return s->u->peer && !s->peer;
	return s->u->type != SOCK_DGRAM || !s->u->name.len;
}

static int make_one(struct restore *r, struct sock *s, struct img_err *err)
{
	s->fd = new_socket(s, err);
	if (s->fd < 0)
		return -1;
	if (s->u->type == SOCK_DGRAM && !s->first_in && unix_has_queue(r, s->u->id)) {
		s->far = new_socket(s, err);
		if (s->far < 0)
			return -1;
	}
	return 0;
}

static int make_all(struct unix_set *set, struct img_err *err)
{
	struct restore *r = set->r;
	struct sockaddr_un addr;

	/* Accepted ones take for a moment the name that another one will have. */
	for (size_t i = 0; i < set->nr; i++) {
		struct sock *s = &set->socks[i];

		if (s->fd >= 0 || outside(s))
			continue;
		if ((is_pair(s) ? make_pair(r, s, err) : make_one(r, s, err)) < 0)
			return img_wrap(err, "unix socket %#x", s->u->id);
	}
	for (size_t i = 0; i < set->nr; i++) {
		struct sock *s = &set->socks[i];

		if (s->handed)
			continue;
		if (outside(s) && s->u->type == SOCK_DGRAM && s->first_in) {
			socklen_t len = unix_address(s->u, &addr);

			s->far = -1;
			if (meet(s, &addr, len, err) < 0)
				return -1;
		} else if (!outside(s) && !is_pair(s) && s->u->name.len && name_it(r, s, err) < 0) {
			return img_wrap(err, "unix socket %#x", s->u->id);
		}
	}
	for (size_t i = 0; i < set->nr; i++)
		if (set->socks[i].peer && !set->socks[i].handed && !mutual(&set->socks[i]) && !set->socks[i].connected)
			return img_fail(err, IMG_CORRUPT, "unix socket %#x: its peer %#x has no name", set->socks[i].u->id,
				set->socks[i].peer->u->id);
	return 0;
}

/* What is in the queues; options. */
static int finish_all(struct unix_set *set, struct restore_task *t, struct img_err *err)
{
	for (size_t i = 0; i < set->nr; i++) {
		const struct sock *s = &set->socks[i];
		int sender = s->far >= 0 ? s->far : mutual(s) ? s->peer->fd : s->first_in ? s->first_in->fd : -1;

		if (is_clients(s) && answer(s, err) < 0)
			return -1;
		if (outside(s) || s->handed || !unix_has_queue(set->r, s->u->id))
			continue;
		if (sender < 0)
			return img_fail(err, IMG_CORRUPT, "unix socket %#x: it has a queue, and nobody could have sent it", s->u->id);
		if (unix_fill_queue(set->r, t, sender, s->u->id, err) < 0)
			return img_wrap(err, "unix socket %#x", s->u->id);
	}
	/* A side that nobody has is closed: before the other one is shut, which would not look the same. */
	for (size_t i = 0; i < set->nr; i++)
		img_cleanup_fd(&set->socks[i].far);
	for (size_t i = 0; i < set->nr; i++)
		if (set->socks[i].handed && (restore_file_flags(set->socks[i].fd, set->socks[i].u->flags, err) < 0 ||
						    restore_file_owner(set->r, set->socks[i].fd, set->socks[i].u->fown, err) < 0))
			return img_wrap(err, "unix socket %#x", set->socks[i].u->id);
	for (size_t i = 0; i < set->nr; i++)
		if (!outside(&set->socks[i]) && !set->socks[i].handed && furnish(set->r, set->socks[i].fd, set->socks[i].u, err) < 0)
			return img_wrap(err, "unix socket %#x", set->socks[i].u->id);
	return 0;
}

static void free_set(struct unix_set *set)
{
	if (!set)
		return;
	for (size_t i = 0; set->socks && i < set->nr; i++)
		img_cleanup_fd(&set->socks[i].far);
	free(set->socks);
	free(set);
}

static int ask_plugins(struct restore *r, struct sock *s, struct img_err *err)
{
	int fd = plugins_ask(r->plugins, CR_PLUGIN_HOOK__RESTORE_UNIX_SK, (int)s->u->ino);

	if (fd == -ENOTSUP)
		return img_fail(err, IMG_UNSUPPORTED, "no plugin knows it");
	if (fd < 0) {
		errno = -fd;
		return img_fail_sys(err, "a plugin fails");
	}
	if (fcntl(fd, F_SETFD, FD_CLOEXEC) < 0)
		return img_fail_sys(err, "what the plugin gives is no descriptor");
	s->fd = fd;
	s->handed = true;
	return 0;
}

/* Sockets that the caller has, the same descriptions; and those of plugins. */
static int take_handed(struct unix_set *set, struct img_err *err)
{
	struct restore *r = set->r;

	for (size_t i = 0; i < set->nr; i++) {
		struct sock *s = &set->socks[i];
		int from = restore_inherited(set->r, "socket:[%u]", s->u->ino);

		if (from < 0)
			from = restore_inherited(set->r, "socket[%u]", s->u->ino);
		if (from < 0 && s->u->uflags == UNIX_PLUGIN && ask_plugins(r, s, err) < 0)
			return img_wrap(err, "unix socket %#x", s->u->id);
		if (from < 0)
			continue;
		s->fd = fcntl(from, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
		if (s->fd < 0)
			return img_fail_sys(err, "duplicate a descriptor");
		s->handed = true;
	}
	return 0;
}

static int make_set(struct unix_set *set, struct img_err *err)
{
	if (find_peers(set, err) < 0 || take_handed(set, err) < 0)
		return -1;
	return make_all(set, err);
}

static int unix_make(struct restore *r, struct restore_task *t, const struct restore_file *const *files, size_t nr, int *fds,
	struct img_err *err)
{
	struct unix_set *set = calloc(1, sizeof(*set));
	bool late = false;
	int ret;

	if (!set || !(set->socks = calloc(nr, sizeof(*set->socks)))) {
		free_set(set);
		return img_fail_nomem(err);
	}
	set->r = r;
	set->nr = nr;
	for (size_t i = 0; i < nr; i++) {
		set->socks[i] = (struct sock){ .u = files[i]->rec->usk, .plan = unix_planned_of(r, files[i]->id), .fd = -1, .far = -1 };
		set->socks[i].root = restore_ns_root_for(r, t, set->socks[i].u->mnt_id);
		late |= unix_has_rights(r, files[i]->id);
	}
	ret = make_set(set, err);
	for (size_t i = 0; i < nr; i++)
		fds[i] = set->socks[i].fd;
	if (ret == 0 && late) {
		set->next = r->files->queues->late;
		r->files->queues->late = set;
		return 0;
	}
	if (ret == 0)
		ret = finish_all(set, t, err);
	free_set(set);
	return ret;
}

int restore_queues_fill(struct restore *r, struct restore_task *t, struct img_err *err)
{
	struct restore_queues *q = r->files->queues;
	int ret = 0;

	while (ret == 0 && q->late) {
		struct unix_set *set = q->late;

		for (size_t i = 0; i < set->nr; i++)
			set->socks[i].fd = files_made_at(files_find(r->files, set->socks[i].u->id));
		ret = finish_all(set, t, err);
		q->late = set->next;
		free_set(set);
	}
	return ret;
}

/* Who calls connect(2), or socketpair(2): SO_PEERCRED tells the pid. */
static pid_t unix_maker(const struct restore *r, const struct restore_file *f)
{
	const struct unix_planned *p = unix_planned_of(r, f->id);

	if (outside_record(p->u) || p->u->state != TCP_ESTABLISHED || !p->u->has_peer_pid || (p->u->name.len && !p->accepted))
		return 0;
	return (pid_t)p->u->peer_pid;
}

static const FownEntry *unix_owner(const struct restore *r, const struct restore_file *f)
{
	return f->rec->usk->fown;
}

const struct fd_restore_ops unix_restore_ops = {
	.name = "unix socket",
	.type = FD_TYPES__UNIXSK,
	.plan = unix_plan,
	.group = unix_group,
	.maker = unix_maker,
	.make = unix_make,
	.owner = unix_owner,
};
