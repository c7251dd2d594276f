/* engines/criu-restore/namespaces.c -- the namespaces of a tree.
 *
 * Those in which the dumping program was too (inventory.img: root_ids) are the ones in which we are, and none is made. The
 * others are made with the root of the tree, by flags of clone3(2), and filled by the rooms of engines/ns/ in the root
 * itself: all that it makes afterwards is born in them.
 *
 * The front stays outside: it sees the tasks under other pids (restore_here()), and enters the tree's mount namespace for the
 * moments in which it does something about the tree's files.
 */

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "criu-restore/namespaces.h"
#include "criu-restore/ns_ops.h"
#include "criu-restore/plan.h"
#include "criuimg/array.h"
#include "criuimg/cleanup.h"
#include "kernel/proc-file.h"
#include "kernel/proc-status.h"

struct restore_namespaces {
	unsigned new;	/* CLONE_NEW*: of which kinds the tree has one of its own */
	int proc;	/* /proc of the front's pid namespace */
	int root_pidfd; /* of the root, once it is born; -1 */
	int mnt;	/* its mount namespace, when that is a new one; -1 */
};

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

/* Those that clone3(2) does not make: time, which the root enters when the offsets are set (time_namespaces(7)). */
#define NOT_BY_CLONE CLONE_NEWTIME

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
	for (size_t i = 0; i < r->nr_tasks; i++) {
		const struct restore_task *t = &r->tasks[i];

		if (!restore_task_lives(t) || id_of(t->ids, row) == root)
			continue;
		img_fail(err, IMG_UNSUPPORTED, "pid %d: another %s namespace than that of pid %d is not supported yet", t->pid,
			row->name, r->root->pid);
		if (restore_plan_lack(r, err) < 0)
			return -1;
	}
	return 0;
}

static int each_room(struct restore *r, size_t which, struct img_err *err)
{
	for (size_t i = 0; i < restore_nr_ns_rooms; i++) {
		const struct ns_restore_ops *room = restore_ns_rooms[i];
		int (*hook)(struct restore *, uint32_t, struct img_err *);

		memcpy(&hook, (const char *)room + which, sizeof(hook));
		if (!hook || !restore_ns_new(r, room->flag))
			continue;
		if (hook(r, restore_ns_id(r, room->flag), err) == 0)
			continue;
		img_wrap(err, "%s namespace", room->name);
		if (which != offsetof(struct ns_restore_ops, plan) || err->code != IMG_UNSUPPORTED ||
			restore_plan_lack(r, err) < 0)
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
	r->root->clone_flags |= r->ns->new & ~NOT_BY_CLONE;
	if (restore_ns_new(r, CLONE_NEWPID) && r->root->pid != 1)
		return img_fail(err, IMG_UNSUPPORTED, "pid %d: is not the first of its pid namespace", r->root->pid);
	return each_room(r, offsetof(struct ns_restore_ops, plan), err);
}

/* ---- making them ---- */

int restore_ns_here(struct restore *r, struct restore_task *t, struct img_err *err)
{
	char text[16] = "";

	if (!restore_ns_new(r, CLONE_NEWPID))
		return 0;
	/* A link that says who reads it, in the pid namespace of the mount: proc(5). */
	if (readlinkat(r->ns->proc, "self", text, sizeof(text) - 1) < 0)
		return img_fail_sys(err, "/proc/self");
	__atomic_store_n(t->here, (uint32_t)atoi(text), __ATOMIC_SEQ_CST);
	return 0;
}

int restore_ns_born(struct restore *r, struct img_err *err)
{
	return each_room(r, offsetof(struct ns_restore_ops, born), err);
}

int restore_ns_make(struct restore *r, struct img_err *err)
{
	return each_room(r, offsetof(struct ns_restore_ops, make), err);
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
	return restore_ns_whole(r, MOMENT_NAMESPACES, err);
}

/* ---- the front inside ---- */

struct outside {
	int mnt, pid, root, cwd;
};

static void forget_outside(struct outside *o)
{
	img_cleanup_fd(&o->mnt);
	img_cleanup_fd(&o->pid);
	img_cleanup_fd(&o->root);
	img_cleanup_fd(&o->cwd);
}

static int remember_outside(struct restore *r, struct outside *o, struct img_err *err)
{
	o->mnt = openat(r->ns->proc, "self/ns/mnt", O_RDONLY | O_CLOEXEC);
	o->pid = openat(r->ns->proc, "self/ns/pid", O_RDONLY | O_CLOEXEC);
	o->root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	o->cwd = open(".", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (o->mnt < 0 || o->pid < 0 || o->root < 0 || o->cwd < 0)
		return img_fail_sys(err, "our own namespaces");
	return 0;
}

static int go_back(struct restore *r, const struct outside *o, struct img_err *err)
{
	if (setns(o->mnt, CLONE_NEWNS) < 0 || fchdir(o->root) < 0 || chroot(".") < 0 || fchdir(o->cwd) < 0 ||
		(restore_ns_new(r, CLONE_NEWPID) && setns(o->pid, CLONE_NEWPID) < 0))
		return img_fail_sys(err, "back to our own namespaces");
	return 0;
}

/* With the pid namespace for what we fork inside: only as long as the root lives. */
static int go_in(struct restore *r, enum restore_moment moment, struct img_err *err)
{
	if (moment == MOMENT_NAMESPACES && restore_ns_new(r, CLONE_NEWPID) &&
		setns(r->ns->root_pidfd, CLONE_NEWPID) < 0)
		return img_fail_sys(err, "enter the tree's pid namespace");
	if (r->ns->mnt >= 0 && setns(r->ns->mnt, CLONE_NEWNS) < 0)
		return img_fail_sys(err, "enter the tree's mount namespace");
	return 0;
}

int restore_ns_whole(struct restore *r, enum restore_moment moment, struct img_err *err)
{
	struct outside o = { -1, -1, -1, -1 };
	struct img_err back = IMG_ERR_INIT;
	int ret;

	if (!r->ns || (r->ns->mnt < 0 && !restore_ns_new(r, CLONE_NEWPID)))
		return restore_steps_whole(r, moment, err);
	ret = remember_outside(r, &o, err);
	if (ret == 0) {
		ret = go_in(r, moment, err);
		if (ret == 0)
			ret = restore_steps_whole(r, moment, err);
		if (go_back(r, &o, &back) < 0 && ret == 0) {
			*err = back;
			ret = -1;
		}
	}
	forget_outside(&o);
	return ret;
}

/* ---- threads ---- */

static int threads_here(struct restore_task *t, struct img_err *err)
{
	cleanup_free int *tids = NULL;
	pid_t pid = restore_here(t);
	size_t nr;

	if (t->nr_threads == 1)
		return 0;
	if (kern_proc_numbers(&tids, &nr, err, "/proc/%d/task", pid) < 0)
		return -1;
	for (size_t i = 0; i < nr; i++) {
		struct kern_status s;
		pid_t inner;

		if (kern_status_read(pid, tids[i], &s, err) < 0)
			return -1;
		inner = s.ns_depth ? s.ns_tid[s.ns_depth - 1] : tids[i];
		kern_status_free(&s);
		for (size_t k = 0; k < t->nr_threads; k++)
			if (t->threads[k].tid == inner)
				t->threads[k].here = tids[i];
	}
	return 0;
}

int restore_threads_here(struct restore *r, struct img_err *err)
{
	for (size_t i = 0; i < r->nr_tasks; i++) {
		struct restore_task *t = &r->tasks[i];

		if (!restore_task_lives(t))
			continue;
		for (size_t k = 0; k < t->nr_threads; k++)
			t->threads[k].here = k ? t->threads[k].tid : restore_here(t);
		if (restore_ns_new(r, CLONE_NEWPID) && threads_here(t, err) < 0)
			return img_wrap(err, "pid %d", t->pid);
	}
	return 0;
}
