/* engines/fd/unix/unix-dump.c -- what criu-dump saves of a unix socket: pairs, however they came about, or what is left of one,
 * sockets that listen, and those whose connection waits to be accepted; dgram sockets with peers by name, of the tree or not.
 */

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>
#include <linux/sockios.h>
#include <netinet/tcp.h>

#include "criu-dump/dump.h"
#include "criu-dump/files.h"
#include "criu-dump/ns_ops.h"
#include "criuimg/array.h"
#include "criuimg/cleanup.h"
#include "criu-dump/unix-own.h"
#include "kernel/getfd.h"
#include "options/external.h"
#include "sk-packet.pb-c.h"
#include "sk-unix.pb-c.h"
#include "plugin/plugin.h"

#define UNIX_OUTSIDE 1 /* uflags */
#define UNIX_PLUGIN  4
#define UNIX_CLIENT  2 /* the connection by which its task has asked for this dump */

extern const struct fd_dump_ops unix_dump_ops;

struct unix_kept {
	struct kern_unix_sockets all;
	bool read;
	uint32_t *outside; /* inodes of peers outside of the tree that have a record */
	size_t nr_outside, room;
	bool *written; /* the records of all.items */
	struct later *later;
	struct unix_empties empties;
};

/* A record that has to come after the one of its peer. */
struct later {
	uint32_t peer;
	struct later *next;
	size_t len;
	uint8_t packed[]; /* FileEntry */
};

static void drop_kept(void *memory)
{
	struct unix_kept *kept = memory;

	kern_unix_sockets_free(&kept->all);
	free(kept->outside);
	free(kept->written);
	unix_empties_free(&kept->empties);
	while (kept->later) {
		struct later *l = kept->later;

		kept->later = l->next;
		free(l);
	}
}

static struct unix_kept *keep(struct dump *d)
{
	return dump_files_keep(d, &unix_dump_ops, sizeof(struct unix_kept), drop_kept);
}

static int read_sockets(void *arg, struct img_err *err)
{
	return kern_unix_sockets(arg, err);
}

/* All that the kernel says; NULL when it cannot be told. */
static const struct kern_unix_sockets *sockets(struct dump *d, struct img_err *err)
{
	struct unix_kept *kept = keep(d);

	if (!kept) {
		img_fail_nomem(err);
		return NULL;
	}
	if (!kept->read && dump_ns_each(d, CLONE_NEWNET, read_sockets, &kept->all, err) < 0)
		return NULL;
	kept->read = true;
	if (!kept->written)
		kept->written = calloc(kept->all.nr + 1, sizeof(*kept->written));
	if (!kept->written) {
		img_fail_nomem(err);
		return NULL;
	}
	return &kept->all;
}

/* Once sockets() has worked. NULL: no such socket. */
static const struct kern_unix_socket *find(struct dump *d, uint64_t ino)
{
	return ino <= UINT32_MAX ? kern_unix_socket_find(&keep(d)->all, (uint32_t)ino) : NULL;
}

/* What the kernel says of a socket; NULL when it cannot be told. */
static const struct kern_unix_socket *diag_of(struct dump *d, uint64_t ino, struct img_err *err)
{
	const struct kern_unix_socket *s = sockets(d, err) ? find(d, ino) : NULL;

	if (!s && sockets(d, err))
		img_fail(err, IMG_UNSUPPORTED, "a unix socket of another network namespace is not supported");
	return s;
}

/* The other side, or the socket that listens where the connection of this one waits: what the image calls a peer. */
static uint32_t peer_of(struct dump *d, const struct kern_unix_socket *s)
{
	return s->peer ? s->peer : kern_unix_waits_at(&keep(d)->all, s->ino);
}

static bool unix_claims(const struct fd_probe *probe)
{
	return probe->domain == AF_UNIX;
}

/* ---- what cannot be dumped ---- */

/* --external unix[INODE]: its peer is somebody else's business. */
static bool is_external(const struct dump *d, const struct kern_unix_socket *s)
{
	return options_external(d->opt, "unix[%u]", s->ino) != NULL;
}

/* The connection to whoever asked for this dump, when that is one of those that are dumped. */
static bool is_clients(const struct dump *d, const struct kern_unix_socket *s)
{
	return d->opt->client_socket && s->peer == d->opt->client_socket && s->type == SOCK_SEQPACKET;
}

/* A peer that stays where it is, to be found by its name again. */
static int check_outside(struct dump *d, const struct kern_unix_socket *s, const struct kern_unix_socket *peer, struct img_err *err)
{
	if (!peer || s->type != SOCK_DGRAM || !peer->name_len || peer->peer)
		return img_fail(err, IMG_UNSUPPORTED, "a unix socket whose peer is not of the tree is not supported");
	if (!d->opt->ext_unix_sk)
		return img_fail(err, IMG_UNSUPPORTED, "a unix socket whose peer is not of the tree is dumped with --ext-unix-sk only");
	if (peer->name[0] && peer->name[0] != '/')
		return img_fail(err, IMG_UNSUPPORTED, "a unix socket whose peer outside of the tree has a relative name is not supported");
	return 0;
}

/* 1: one of them has saved it, 0: none wants it. */
static int ask_plugins(struct dump *d, int lfd, const struct kern_unix_socket *s, struct img_err *err)
{
	int ret = plugins_ask(d->plugins, CR_PLUGIN_HOOK__DUMP_UNIX_SK, lfd, (int)s->ino);

	if (ret == -ENOTSUP)
		return 0;
	if (ret >= 0)
		return 1;
	errno = -ret;
	return img_fail_sys(err, "a plugin fails");
}

static int check_peer(struct dump *d, const struct kern_unix_socket *s, struct img_err *err)
{
	uint32_t ino = peer_of(d, s);
	const struct kern_unix_socket *peer;
	int has;

	if (!ino)
		return 0;
	has = dump_tree_has_socket(d, ino, err);
	if (has < 0)
		return -1;
	if (!has)
		return is_external(d, s) || is_clients(d, s) || plugins_hook(d->plugins, CR_PLUGIN_HOOK__DUMP_UNIX_SK, 0)
			       ? 0
			       : check_outside(d, s, find(d, ino), err);
	peer = diag_of(d, ino, err);
	if (!peer)
		return -1;
	if (ino != s->peer) {
		if (s->wqueue)
			return img_fail(err, IMG_UNSUPPORTED,
				"a unix socket with data for a connection that was not accepted yet is not supported");
		return 0;
	}
	if (peer->peer != s->ino && (peer->peer || !peer->name_len))
		return img_fail(err, IMG_UNSUPPORTED, "a unix socket whose peer has another peer is not supported");
	return 0;
}

/* Every connection that waits must be one of the tree. */
static int check_listening(struct dump *d, const struct kern_unix_socket *s, struct img_err *err)
{
	const struct kern_unix_sockets *all = sockets(d, err);

	if (!s->name_len)
		return img_fail(err, IMG_UNSUPPORTED, "a unix socket that listens without a name is not supported");
	if (s->pending_gone)
		return img_fail(err, IMG_UNSUPPORTED, "a unix socket with a connection that was closed before it was accepted is not supported");
	for (size_t i = 0; all && i < all->nr_pending; i++) {
		int has;

		if (all->pending[i].listener != s->ino)
			continue;
		has = dump_tree_has_socket(d, all->pending[i].ino, err);
		if (has < 0)
			return -1;
		if (!has)
			return img_fail(err, IMG_UNSUPPORTED,
				"a unix socket with a connection from outside of the tree, not accepted yet, is not supported");
	}
	return all ? 0 : -1;
}

static int check_name(struct dump *d, struct dump_task *t, const struct fd_probe *probe, const struct kern_unix_socket *s,
	struct img_err *err)
{
	struct unix_file file = { 0 };
	cleanup_fd int lfd = -1;

	if (!s->name_len || !s->name[0])
		return 0;
	lfd = kern_getfd(t->pidfd, probe->fd, err);
	return lfd < 0 ? -1 : unix_file_of(d, t, lfd, s, &file, err);
}

/* Where a tree has several network namespaces: whoever has the socket makes it again, in his own. */
static int check_home(struct dump *d, struct dump_task *t, const struct fd_probe *probe, struct img_err *err)
{
	cleanup_fd int fd = -1, ns = -1;
	struct stat st;

	if (probe->fd < 0 || !dump_ns_nth(d, CLONE_NEWNET, 1))
		return 0;
	fd = kern_getfd(t->pidfd, probe->fd, err);
	if (fd < 0)
		return -1;
	ns = ioctl(fd, SIOCGSKNS);
	if (ns < 0 || fstat(ns, &st) < 0)
		return img_fail_sys(err, "its network namespace");
	if (dump_ns_number(d, CLONE_NEWNET, st.st_ino) != t->ids->net_ns_id)
		return img_fail(err, IMG_UNSUPPORTED, "a unix socket of another network namespace than that of the task is not supported");
	return 0;
}

static int unix_check(struct dump *d, struct dump_task *t, const struct fd_probe *probe, struct img_err *err)
{
	const struct kern_unix_socket *s = diag_of(d, probe->ino, err);

	if (!s || check_home(d, t, probe, err) < 0 || check_peer(d, s, err) < 0)
		return -1;
	if (s->state == TCP_LISTEN && check_listening(d, s, err) < 0)
		return -1;
	return check_name(d, t, probe, s, err);
}

/* ---- what is to be read ---- */

static int write_packet(struct dump *d, uint32_t id, const void *data, size_t len, const struct unix_rights *rights, struct img_err *err)
{
	SkPacketEntry rec = SK_PACKET_ENTRY__INIT;
	ScmEntry scm = SCM_ENTRY__INIT, *scms[] = { &scm };
	uint32_t ids[UNIX_RIGHTS_MAX];

	for (size_t i = 0; i < rights->nr; i++)
		if (dump_file_inside(d, rights->fds[i], &ids[i], err) < 0)
			return img_wrap(err, "on its way");
	scm.type = SCM_RIGHTS;
	scm.rights = ids;
	scm.n_rights = rights->nr;
	rec.id_for = id;
	rec.length = (uint32_t)len;
	if (rights->has_cred) {
		const struct dump_task *sender = dump_task_by_pid(d, rights->cred.pid);

		rec.has_cred_pid = rec.has_cred_uid = rec.has_cred_gid = true;
		rec.cred_pid = (uint32_t)(sender ? sender->vpid : rights->cred.pid);
		rec.cred_uid = dump_uid(d, rights->cred.uid);
		rec.cred_gid = dump_gid(d, rights->cred.gid);
	}
	if (rights->nr) {
		rec.scm = scms;
		rec.n_scm = 1;
	}
	if (dump_write_shared(d, IMG_SK_QUEUES, &rec.base, err) < 0)
		return -1;
	return len ? dump_write_shared_payload(d, IMG_SK_QUEUES, data, len, err) : 0;
}

struct queue_writer {
	struct dump *d;
	uint32_t id;
};

static int write_message(void *arg, const void *data, size_t len, struct unix_rights *rights, struct img_err *err)
{
	const struct queue_writer *w = arg;

	return write_packet(w->d, w->id, data, len, rights, err);
}

/* Is there, for what we know, nothing in it? */
static bool no_queue(struct dump *d, const struct kern_unix_socket *s)
{
	/* never connected, or not yet, or it listens */
	return is_clients(d, s) || (s->type != SOCK_DGRAM && (s->state != TCP_ESTABLISHED || kern_unix_waits_at(&keep(d)->all, s->ino)));
}

struct taker {
	int (*take)(void *arg, int fd, struct img_err *err);
	void *arg;
};

static int take_rights(void *arg, const void *data, size_t len, struct unix_rights *rights, struct img_err *err)
{
	const struct taker *taker = arg;

	for (size_t i = 0; i < rights->nr; i++) {
		int fd = steal_fd(&rights->fds[i]);

		if (taker->take(taker->arg, fd, err) < 0)
			return -1;
	}
	return 0;
}

static int unix_inside(struct dump *d, int lfd, const struct fd_probe *probe, int (*take)(void *arg, int fd, struct img_err *err),
	void *arg, struct img_err *err)
{
	struct img_err ignored = IMG_ERR_INIT;
	const struct kern_unix_socket *s = diag_of(d, probe->ino, &ignored);
	struct taker taker = { take, arg };

	if (!s || no_queue(d, s)) /* what is the matter with it, check says */
		return 0;
	return unix_queue_look(lfd, s, &keep(d)->empties, take_rights, &taker, err);
}

/* A peer outside of the tree: its name. */
static int dump_outside(struct dump *d, const struct kern_unix_socket *peer, struct img_err *err)
{
	struct unix_kept *kept = keep(d);
	UnixSkEntry usk = UNIX_SK_ENTRY__INIT;
	SkOptsEntry opts = SK_OPTS_ENTRY__INIT;
	FownEntry fown = FOWN_ENTRY__INIT;
	FileEntry rec = FILE_ENTRY__INIT;
	uint32_t *place;

	for (size_t i = 0; i < kept->nr_outside; i++)
		if (kept->outside[i] == peer->ino)
			return 0;
	place = img_array_more(&kept->outside, kept->nr_outside, &kept->room);
	if (!place)
		return img_fail_nomem(err);
	*place = peer->ino;
	kept->nr_outside++;
	rec.type = FD_TYPES__UNIXSK;
	rec.id = usk.id = dump_new_file_id(d);
	usk.ino = peer->ino;
	usk.type = peer->name_len ? peer->type : SOCK_DGRAM; /* without a name, as CRIU has it */
	usk.state = TCP_LISTEN; /* as CRIU has it */
	usk.uflags = UNIX_OUTSIDE;
	usk.fown = &fown;
	usk.opts = &opts;
	usk.name.data = (uint8_t *)peer->name;
	usk.name.len = peer->name_len;
	rec.usk = &usk;
	log_info(d->log, "unix socket %#x: inode %u, outside of the tree", usk.id, usk.ino);
	return dump_write_file(d, &rec, err);
}

/* Those that waited for peer; 0: all. */
static int write_later(struct dump *d, uint32_t peer, struct img_err *err)
{
	struct unix_kept *kept = keep(d);
	struct later **at = kept ? &kept->later : NULL;
	uint32_t again = 0;

	while (at && *at) {
		struct later *l = *at;
		FileEntry *rec;
		int ret;

		if (peer && l->peer != peer) {
			at = &l->next;
			continue;
		}
		*at = l->next;
		rec = file_entry__unpack(NULL, l->len, l->packed);
		free(l);
		if (!rec)
			return img_fail_nomem(err);
		again = rec->usk->ino;
		ret = dump_write_file(d, rec, err);
		if (find(d, again))
			kept->written[find(d, again) - kept->all.items] = true;
		file_entry__free_unpacked(rec, NULL);
		if (ret < 0 || (peer && write_later(d, again, err) < 0))
			return -1;
		at = &kept->later;
	}
	return 0;
}

/* CRIU looks for a peer among the records before, save for two that are each other's. */
static int write_in_order(struct dump *d, const struct kern_unix_socket *s, const FileEntry *rec, struct img_err *err)
{
	struct unix_kept *kept = keep(d);
	const struct kern_unix_socket *peer = rec->usk->peer ? find(d, rec->usk->peer) : NULL;
	struct later *l;

	if (peer && peer != s && peer->peer != s->ino && !kept->written[peer - kept->all.items] &&
		dump_tree_has_socket(d, peer->ino, err) > 0) {
		size_t len = file_entry__get_packed_size(rec);

		l = malloc(sizeof(*l) + len);
		if (!l)
			return img_fail_nomem(err);
		l->peer = peer->ino;
		l->len = file_entry__pack(rec, l->packed);
		l->next = kept->later;
		kept->later = l;
		return 0;
	}
	kept->written[s - kept->all.items] = true;
	if (dump_write_file(d, rec, err) < 0)
		return -1;
	return write_later(d, s->ino, err);
}

static int unix_finish(struct dump *d, struct img_err *err)
{
	return write_later(d, 0, err);
}

/* Who made the other side, where the kernel knows. */
static void fill_peer(struct dump *d, int fd, UnixSkEntry *usk)
{
	struct ucred peer = { 0, (uid_t)-1, (gid_t)-1 };
	socklen_t len = sizeof(peer);
	const struct dump_task *task;

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) < 0 || peer.pid <= 0)
		return;
	task = dump_task_by_pid(d, peer.pid);
	usk->has_peer_pid = usk->has_peer_uid = usk->has_peer_gid = true;
	usk->peer_pid = (uint32_t)(task ? task->vpid : peer.pid);
	usk->peer_uid = dump_uid(d, peer.uid);
	usk->peer_gid = dump_gid(d, peer.gid);
}

static int unix_dump(struct dump *d, const struct fd_target *t, struct img_err *err)
{
	const struct kern_unix_socket *s = diag_of(d, t->probe->ino, err);
	UnixSkEntry usk = UNIX_SK_ENTRY__INIT;
	SkOptsEntry opts = SK_OPTS_ENTRY__INIT;
	FownEntry fown = FOWN_ENTRY__INIT;
	FileEntry rec = FILE_ENTRY__INIT;
	struct unix_file file = { 0 };
	int has = 1;

	if (!s || dump_file_owner(d, t, &fown, err) < 0 || dump_sock_opts(d, t->lfd, &opts, err) < 0)
		return -1;
	usk.id = t->id;
	usk.ino = s->ino;
	usk.type = s->type;
	usk.state = s->state;
	usk.flags = t->probe->flags;
	usk.backlog = s->wqueue;
	usk.peer = peer_of(d, s);
	if (is_clients(d, s)) {
		usk.state = TCP_CLOSE;
		usk.uflags = UNIX_CLIENT;
		usk.peer = 0;
	}
	usk.fown = &fown;
	usk.opts = &opts;
	usk.has_shutdown = s->shutdown != 0;
	usk.shutdown = (SkShutdown)s->shutdown;
	usk.has_ns_id = t->task->ids != NULL;
	usk.ns_id = t->task->ids ? t->task->ids->net_ns_id : 0;
	usk.name.data = (uint8_t *)s->name;
	usk.name.len = s->name_len;
	fill_peer(d, t->lfd, &usk);
	if (s->name_len && s->name[0]) {
		if (unix_file_of(d, t->task, t->lfd, s, &file, err) < 0)
			return -1;
		usk.file_perms = &file.perms;
		usk.has_deleted = usk.deleted = file.deleted;
		usk.moved_to = file.moved_to[0] ? file.moved_to : NULL;
		usk.name_dir = file.dir[0] ? file.dir : NULL;
		usk.has_mnt_id = file.mnt_id >= 0;
		usk.mnt_id = file.mnt_id;
	}
	rec.type = FD_TYPES__UNIXSK;
	rec.id = t->id;
	rec.usk = &usk;
	log_info(d->log, "unix socket %#x: inode %u, peer %u, type %u, state %u", t->id, s->ino, usk.peer, s->type, s->state);
	if (usk.peer)
		has = dump_tree_has_socket(d, usk.peer, err);
	if (has < 0)
		return -1;
	if (!has) {
		const struct kern_unix_socket *peer = find(d, usk.peer);
		int plugin = ask_plugins(d, t->lfd, s, err);

		if (plugin < 0 || (!plugin && !is_external(d, s) && check_outside(d, s, peer, err) < 0))
			return -1;
		usk.uflags |= plugin ? UNIX_PLUGIN : 0;
		if (peer && dump_outside(d, peer, err) < 0)
			return -1;
	}
	if (write_in_order(d, s, &rec, err) < 0)
		return -1;
	return no_queue(d, s) ? 0 : unix_queue_look(t->lfd, s, &keep(d)->empties, write_message, &(struct queue_writer){ d, t->id }, err);
}

const struct fd_dump_ops unix_dump_ops = {
	.name = "unix socket",
	.type = FD_TYPES__UNIXSK,
	.claims = unix_claims,
	.check = unix_check,
	.inside = unix_inside,
	.dump = unix_dump,
	.finish = unix_finish,
};
