/* engines/criu-restore/namespaces.c -- the namespaces of a tree.
 *
 * Those in which the dumping program was too (inventory.img: root_ids) are the ones in which we are, and none is made. The
 * others are made with the root of the tree, by flags of clone3(2), and filled by the rooms of engines/ns/ in the root
 * itself: all that it makes afterwards is born in them.
 *
 * Here are the plan, the making, and who enters which. The front stays outside: it sees the tasks under other pids and ids
 * (ns-ids.c), and enters the tree's mount namespace for the moments in which it does something about the tree's files
 * (ns-inside.c); which mount namespace a file is in is kept in ns-mounts.c.
 */

#include <fcntl.h>
#include <sched.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "criu-restore/cgroups.h"
#include "criu-restore/join.h"
#include "criu-restore/namespaces-own.h"
#include "criu-restore/net-lock.h"
#include "criu-restore/ns_ops.h"
#include "criu-restore/outcome.h"
#include "criu-restore/plan.h"
#include "criuimg/array.h"
#include "criuimg/cleanup.h"
#include "kernel/getfd.h"

#define NS_ROW(word, what, flag)                                                                                   \
	{                                                                                                              \
		what, flag, offsetof(TaskKobjIdsEntry, has_##word##_ns_id), offsetof(TaskKobjIdsEntry, word##_ns_id)   \
	}
static const struct ns_row {
	const char *name;
	int flag;
	size_t has, id;
} rows[] = {
	NS_ROW(pid, "pid", CLONE_NEWPID),
	NS_ROW(net, "net", CLONE_NEWNET),
	NS_ROW(ipc, "ipc", CLONE_NEWIPC),
	NS_ROW(uts, "uts", CLONE_NEWUTS),
	NS_ROW(mnt, "mnt", CLONE_NEWNS),
	NS_ROW(user, "user", CLONE_NEWUSER),
	NS_ROW(cgroup, "cgroup", CLONE_NEWCGROUP),
	NS_ROW(time, "time", CLONE_NEWTIME),
};

/* Those that clone3(2) does not make: time, which the root enters when the offsets are set (time_namespaces(7)); cgroup, whose root is
 * where its maker is. */
#define NOT_BY_CLONE (CLONE_NEWTIME | CLONE_NEWCGROUP)

static uint32_t id_of(const TaskKobjIdsEntry *ids, const struct ns_row *row)
{
	const char *at = (const char *)ids;

	return ids && *(const protobuf_c_boolean *)(at + row->has) ? *(const uint32_t *)(at + row->id) : 0;
}

bool restore_ns_new(const struct restore *r, int flag)
{
	return r->ns && r->ns->new & (unsigned)flag;
}

uint32_t restore_ns_id(const struct restore *r, int flag)
{
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		if (rows[i].flag == flag)
			return id_of(r->root->ids, &rows[i]);
	return 0;
}

/* ---- plan ---- */

static bool has_room(int flag)
{
	for (size_t i = 0; i < restore_nr_ns_rooms; i++)
		if (restore_ns_rooms[i]->flag == flag)
			return true;
	return false;
}

/* Kinds of which tasks of one tree may have different ones. */
#define CAN_BE_MANY (CLONE_NEWNS | CLONE_NEWNET | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWCGROUP)

struct more_ns *restore_ns_find_more(const struct restore *r, int flag, uint32_t id)
{
	for (size_t i = 0; i < r->ns->nr_more; i++)
		if (r->ns->more[i].flag == flag && r->ns->more[i].id == id)
			return &r->ns->more[i];
	return NULL;
}

static int add_more(struct restore *r, int flag, uint32_t id, struct img_err *err)
{
	struct more_ns *m;

	if (restore_ns_find_more(r, flag, id))
		return 0;
	m = img_array_more(&r->ns->more, r->ns->nr_more, &r->ns->room_more);
	if (!m)
		return img_fail_nomem(err);
	r->ns->nr_more++;
	*m = (struct more_ns){ flag, id, id == restore_ns_id(r, flag), restore_shared_alloc(r, sizeof(*m->fd), err), -1 };
	if (!m->fd)
		return -1;
	return add_more(r, flag, restore_ns_id(r, flag), err);
}

uint32_t restore_ns_nth(const struct restore *r, int flag, size_t n)
{
	if (n == 0)
		return restore_ns_id(r, flag);
	for (size_t i = 0; i < r->ns->nr_more; i++)
		if (r->ns->more[i].flag == flag && !r->ns->more[i].root && --n == 0)
			return r->ns->more[i].id;
	return 0;
}

/* A cgroup namespace can be made from outside, too, and left again where the tree has no user namespace of its own. */
static bool may_differ(const struct restore *r, int flag)
{
	const TaskKobjIdsEntry *host = r->inventory->root_ids;

	if (flag == CLONE_NEWCGROUP && !(r->ns->new & CLONE_NEWCGROUP))
		return host && restore_ns_id(r, CLONE_NEWUSER) == host->user_ns_id;
	return r->ns->new & (unsigned)flag & CAN_BE_MANY;
}

/* An image without root_ids knows of no namespaces. */
static int plan_kind(struct restore *r, const struct ns_row *row, struct img_err *err)
{
	const TaskKobjIdsEntry *host = r->inventory->root_ids;
	uint32_t root = id_of(r->root->ids, row);

	if (host && root && root != id_of(host, row)) {
		if (!has_room(row->flag)) {
			img_fail(err, IMG_UNSUPPORTED, "pid %d: its own %s namespace is not supported yet", r->root->pid,
				row->name);
			if (restore_plan_lack(r, err) < 0)
				return -1;
		}
		r->ns->new |= (unsigned)row->flag;
	}
	if (row->flag == CLONE_NEWTIME && r->opt->keep_clocks)
		r->ns->new |= CLONE_NEWTIME;
	for (size_t i = 0; i < r->nr_tasks; i++) {
		const struct restore_task *t = &r->tasks[i];

		if (!restore_task_lives(t) || id_of(t->ids, row) == root)
			continue;
		if (may_differ(r, row->flag) && host && id_of(t->ids, row) != id_of(host, row)) {
			if (add_more(r, row->flag, id_of(t->ids, row), err) < 0)
				return -1;
			continue;
		}
		img_fail(err, IMG_UNSUPPORTED, "pid %d: another %s namespace than that of pid %d is not supported yet", t->pid,
			row->name, r->root->pid);
		if (restore_plan_lack(r, err) < 0)
			return -1;
	}
	return 0;
}

static int call(struct restore *r, const struct ns_restore_ops *room, size_t which, uint32_t id, struct img_err *err)
{
	int (*hook)(struct restore *, uint32_t, struct img_err *);

	memcpy(&hook, (const char *)room + which, sizeof(hook));
	if (!hook || hook(r, id, err) == 0)
		return 0;
	img_wrap(err, "%s namespace", room->name);
	if (which != offsetof(struct ns_restore_ops, plan) || err->code != IMG_UNSUPPORTED)
		return -1;
	return restore_plan_lack(r, err);
}

/* For the namespaces that the root lives in; `more`: for the others as well. */
static int each_room(struct restore *r, size_t which, bool more, struct img_err *err)
{
	for (size_t i = 0; i < restore_nr_ns_rooms; i++) {
		const struct ns_restore_ops *room = restore_ns_rooms[i];

		if (restore_ns_left_empty(r, room->flag))
			continue;
		if (restore_ns_new(r, room->flag) && !(r->ns->joined & (unsigned)room->flag) &&
			call(r, room, which, restore_ns_id(r, room->flag), err) < 0)
			return -1;
		for (size_t k = 0; more && k < r->ns->nr_more; k++)
			if (r->ns->more[k].flag == room->flag && !r->ns->more[k].root && call(r, room, which, r->ns->more[k].id, err) < 0)
				return -1;
	}
	return 0;
}

int restore_ns_plan(struct restore *r, struct img_err *err)
{
	r->ns = img_arena_alloc(&r->arena, sizeof(*r->ns));
	if (!r->ns)
		return img_fail_nomem(err);
	r->ns->mnt = r->ns->root_pidfd = -1;
	r->ns->proc = open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (r->ns->proc < 0)
		return img_fail_sys(err, "/proc");
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		if (plan_kind(r, &rows[i], err) < 0)
			return -1;
	if (restore_join_plan(r, &r->ns->joined, err) < 0)
		return -1;
	r->root->clone_flags |= r->ns->new & ~(NOT_BY_CLONE | r->ns->joined);
	if (r->root->clone_flags & CLONE_NEWPID && r->root->pid != 1)
		return img_fail(err, IMG_UNSUPPORTED, "pid %d: is not the first of its pid namespace", r->root->pid);
	return each_room(r, offsetof(struct ns_restore_ops, plan), true, err);
}

/* ---- making them ---- */

int restore_ns_start(struct restore *r, struct img_err *err)
{
	return r->ns ? each_room(r, offsetof(struct ns_restore_ops, start), false, err) : 0;
}

int restore_ns_born(struct restore *r, struct img_err *err)
{
	if (restore_netns_lock(r, err) < 0 || each_room(r, offsetof(struct ns_restore_ops, born), false, err) < 0)
		return -1;
	return r->ns->new | r->ns->joined ? restore_script(r, "setup-namespaces", err) : 0;
}

static const char *ns_file(int flag)
{
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		if (rows[i].flag == flag)
			return rows[i].name;
	return "";
}

int restore_ns_open_own(struct restore *r, int flag, struct img_err *err)
{
	char name[32];
	int fd;

	snprintf(name, sizeof(name), "self/ns/%s", ns_file(flag));
	fd = openat(r->ns->proc, name, O_RDONLY | O_CLOEXEC);
	return fd < 0 ? img_fail_sys(err, "/proc/%s", name) : fd;
}

void restore_ns_keep(struct restore *r, int flag, uint32_t id, int fd)
{
	*restore_ns_find_more(r, flag, id)->fd = (uint32_t)fd;
}

/* One that others will live in: made by the root, which goes back to its own. Mounts are not among them: all mount namespaces are
 * made in one go. */
static int make_more(struct restore *r, const struct more_ns *m, struct img_err *err)
{
	cleanup_fd int back = restore_ns_open_own(r, m->flag, err), fd = -1;

	if (back < 0)
		return -1;
	if (m->root) {
		restore_ns_keep(r, m->flag, m->id, steal_fd(&back));
		return 0;
	}
	if (m->flag == CLONE_NEWCGROUP && restore_cgroups_at_root(r, m->id, err) < 0)
		return -1;
	if (unshare(m->flag) < 0)
		return img_fail_sys(err, "make one more %s namespace", ns_file(m->flag));
	fd = restore_ns_open_own(r, m->flag, err);
	if (fd < 0)
		return -1;
	if (setns(back, m->flag) < 0)
		return img_fail_sys(err, "back from one more %s namespace", ns_file(m->flag));
	restore_ns_keep(r, m->flag, m->id, steal_fd(&fd));
	return 0;
}

int restore_ns_fd(const struct restore *r, int flag, uint32_t id)
{
	const struct more_ns *m = restore_ns_find_more(r, flag, id);

	return m ? (int)*m->fd : -1;
}

/* A hook of a room, in each of those. */
static int call_in_more(struct restore *r, const struct ns_restore_ops *room, size_t which, struct img_err *err)
{
	cleanup_fd int back = -1;

	if (!*(void *const *)(const void *)((const char *)room + which))
		return 0;
	for (size_t i = 0; i < r->ns->nr_more; i++) {
		struct more_ns *m = &r->ns->more[i];

		if (m->root || m->flag != room->flag || m->flag == CLONE_NEWNS)
			continue;
		if (back < 0 && (back = restore_ns_open_own(r, m->flag, err)) < 0)
			return -1;
		if (setns((int)*m->fd, m->flag) < 0)
			return img_fail_sys(err, "enter %s namespace %u", ns_file(m->flag), m->id);
		if (call(r, room, which, m->id, err) < 0)
			return -1;
		if (setns(back, m->flag) < 0)
			return img_fail_sys(err, "back from one more %s namespace", ns_file(m->flag));
	}
	return 0;
}

static int each_room_inside(struct restore *r, size_t which, struct img_err *err)
{
	for (size_t i = 0; i < restore_nr_ns_rooms; i++) {
		const struct ns_restore_ops *room = restore_ns_rooms[i];

		if (restore_ns_left_empty(r, room->flag))
			continue;
		if (call_in_more(r, room, which, err) < 0)
			return -1;
		if (restore_ns_new(r, room->flag) && !(r->ns->joined & (unsigned)room->flag) &&
			call(r, room, which, restore_ns_id(r, room->flag), err) < 0)
			return -1;
	}
	return 0;
}

struct mnt_plan **restore_ns_mnt_plan(struct restore *r)
{
	return &r->ns->mnt_plan;
}

int **restore_ns_mnt_sources(struct restore *r)
{
	return &r->ns->mnt_sources;
}

int restore_ns_make(struct restore *r, struct img_err *err)
{
	/* What is made from here on (the content of a tmpfs) counts there. */
	if (!restore_cgroups_stray(r) && restore_cgroups_enter(r, r->root, err) < 0)
		return -1;
	if (each_room(r, offsetof(struct ns_restore_ops, early), false, err) < 0 || restore_join_enter(r, err) < 0)
		return -1;
	for (size_t i = 0; i < r->ns->nr_more; i++)
		if (r->ns->more[i].flag != CLONE_NEWNS && make_more(r, &r->ns->more[i], err) < 0)
			return -1;
	if (each_room_inside(r, offsetof(struct ns_restore_ops, prepare), err) < 0 ||
		each_room_inside(r, offsetof(struct ns_restore_ops, make), err) < 0)
		return -1;
	for (size_t i = 0; i < r->ns->nr_more; i++)
		if (r->ns->more[i].flag == CLONE_NEWNS && r->ns->more[i].root && make_more(r, &r->ns->more[i], err) < 0)
			return -1;
	return 0;
}

int restore_ns_made(struct restore *r, struct img_err *err)
{
	char name[32];

	if (restore_ns_new(r, CLONE_NEWNS)) {
		snprintf(name, sizeof(name), "%d/ns/mnt", restore_here(r->root));
		r->ns->mnt = openat(r->ns->proc, name, O_RDONLY | O_CLOEXEC);
		if (r->ns->mnt < 0)
			return img_fail_sys(err, "/proc/%s", name);
	}
	r->ns->root_pidfd = (int)syscall(SYS_pidfd_open, restore_here(r->root), 0);
	if (r->ns->root_pidfd < 0)
		return img_fail_sys(err, "pidfd_open %d", restore_here(r->root));
	for (size_t i = 0; i < r->ns->nr_more; i++) {
		struct more_ns *m = &r->ns->more[i];

		if (m->flag != CLONE_NEWNS || m->root)
			continue;
		m->here = kern_getfd(r->ns->root_pidfd, (int)*m->fd, err);
		if (m->here < 0)
			return -1;
	}
	if (restore_ns_whole(r, MOMENT_NAMESPACES, err) < 0)
		return -1;
	return r->ns->new | r->ns->joined ? restore_script(r, "post-setup-namespaces", err) : 0;
}

/* ---- tasks ---- */

/* The namespaces in which a task is born: those of the nearest one above that the image says something of. */
static const TaskKobjIdsEntry *born_with(const struct restore *r, const struct restore_task *t)
{
	const struct restore_task *c = t->creator;

	while (c && !c->ids)
		c = c->creator;
	return c ? c->ids : r->root->ids;
}

int restore_ns_enter(struct restore *r, struct restore_task *t, struct img_err *err)
{
	const TaskKobjIdsEntry *born = born_with(r, t);

	for (size_t i = 0; t->ids && t != r->root && i < ARRAY_SIZE(rows); i++) {
		uint32_t id = id_of(t->ids, &rows[i]);
		const struct more_ns *m;

		if (!(rows[i].flag & CAN_BE_MANY) || id == id_of(born, &rows[i]))
			continue;
		m = restore_ns_find_more(r, rows[i].flag, id);
		if (!m)
			return img_fail(err, IMG_CORRUPT, "its %s namespace %u is not there", rows[i].name, id);
		if (setns((int)*m->fd, m->flag) < 0)
			return img_fail_sys(err, "enter %s namespace %u", rows[i].name, id);
	}
	/* Whatever is mounted inside: this leads to what the kernel tells of us (kernel/self.h). The tape sets the real one. */
	if (restore_ns_new(r, CLONE_NEWNS) && fchdir(r->ns->proc) < 0)
		return img_fail_sys(err, "/proc");
	return 0;
}

void restore_ns_free(struct restore *r)
{
	if (!r->ns)
		return;
	kern_idmap_free(&r->ns->uids);
	kern_idmap_free(&r->ns->gids);
	free(r->ns->more);
	free(r->ns->roots);
	free(r->ns->mnts);
}

/* ---- descriptors of namespaces ---- */

/* Who lives there: a pid as the front sees it; 0: nobody. */
static pid_t lives_in(const struct restore *r, const struct ns_row *row, uint32_t id)
{
	for (size_t i = 0; i < r->nr_tasks; i++)
		if (restore_task_lives(&r->tasks[i]) && id_of(r->tasks[i].ids, row) == id)
			return restore_here(&r->tasks[i]);
	return id == id_of(r->inventory->root_ids, row) ? r->front_pid : 0;
}

int restore_ns_known(const struct restore *r, int flag, uint32_t id, struct img_err *err)
{
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		if (rows[i].flag != flag)
			continue;
		if (id && id == id_of(r->inventory->root_ids, &rows[i]))
			return 0;
		for (size_t k = 0; id && k < r->nr_tasks; k++)
			if (restore_task_lives(&r->tasks[k]) && id_of(r->tasks[k].ids, &rows[i]) == id)
				return 0;
	}
	return img_fail(err, IMG_UNSUPPORTED, "of namespace %u of kind %#x, in which nobody of the tree lives", id, (unsigned)flag);
}

int restore_ns_open(struct restore *r, int flag, uint32_t id, struct img_err *err)
{
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		char name[48];
		int fd;

		if (rows[i].flag != flag)
			continue;
		snprintf(name, sizeof(name), "%d/ns/%s", lives_in(r, &rows[i], id), rows[i].name);
		fd = openat(r->ns->proc, name, O_RDONLY | O_CLOEXEC);
		return fd < 0 ? img_fail_sys(err, "/proc/%s", name) : fd;
	}
	return img_fail(err, IMG_CORRUPT, "a namespace of kind %#x", (unsigned)flag);
}
