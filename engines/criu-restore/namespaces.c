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

#include "criu-restore/join.h"
#include "criu-restore/namespaces.h"
#include "criu-restore/ns_ops.h"
#include "criu-restore/outcome.h"
#include "criu-restore/plan.h"
#include "criuimg/array.h"
#include "criuimg/cleanup.h"
#include "kernel/getfd.h"
#include "kernel/idmap.h"
#include "kernel/proc-file.h"
#include "kernel/proc-status.h"
#include "userns.pb-c.h"

/* A namespace that the root does not live in, made by it for others. */
struct more_ns {
	int flag;
	uint32_t id;
	bool root;    /* it is the root's own: for those whose parents live in another one */
	uint32_t *fd; /* shared: its number in the table of the root, and of all that inherit from it */
	int here;     /* in the front; -1 */
};

/* A mount namespace, by its root directory: in the root's table as above. */
struct mnt_root {
	uint32_t id;
	uint32_t *fd;
};

struct mnt_place {
	uint32_t mnt_id, ns;
};

struct restore_namespaces {
	unsigned new;	 /* CLONE_NEW*: of which kinds the tree has one of its own */
	unsigned joined; /* of which it is put into one that is there: not made, and not filled */
	struct more_ns *more;
	size_t nr_more, room_more;
	struct mnt_root *roots;
	size_t nr_roots, room_roots;
	struct mnt_place *mnts; /* by mnt_id, ascending: where each mount is */
	size_t nr_mnts, room_mnts;
	struct mnt_plan *mnt_plan;
	struct kern_idmap uids, gids; /* of the user namespace, if there is one */
	uint32_t front_in; /* the mount namespace that the front is in at the moment; 0: its own */
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

/* Kinds of which tasks of one tree may have different ones. */
#define CAN_BE_MANY (CLONE_NEWNS | CLONE_NEWNET | CLONE_NEWUTS | CLONE_NEWIPC)

static struct more_ns *find_more(const struct restore *r, int flag, uint32_t id)
{
	for (size_t i = 0; i < r->ns->nr_more; i++)
		if (r->ns->more[i].flag == flag && r->ns->more[i].id == id)
			return &r->ns->more[i];
	return NULL;
}

static int add_more(struct restore *r, int flag, uint32_t id, struct img_err *err)
{
	struct more_ns *m;

	if (find_more(r, flag, id))
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
		if (r->ns->new & (unsigned)row->flag & CAN_BE_MANY && id_of(t->ids, row) != id_of(host, row)) {
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
	if (each_room(r, offsetof(struct ns_restore_ops, born), false, err) < 0)
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
	*find_more(r, flag, id)->fd = (uint32_t)fd;
}

/* One that others will live in: made and filled by the root, which goes back to its own. Mounts are not among them: all mount
 * namespaces are made in one go. */
static int make_more(struct restore *r, const struct more_ns *m, struct img_err *err)
{
	cleanup_fd int back = restore_ns_open_own(r, m->flag, err), fd = -1;

	if (back < 0)
		return -1;
	if (unshare(m->flag) < 0)
		return img_fail_sys(err, "make one more %s namespace", ns_file(m->flag));
	for (size_t i = 0; i < restore_nr_ns_rooms; i++)
		if (restore_ns_rooms[i]->flag == m->flag &&
			call(r, restore_ns_rooms[i], offsetof(struct ns_restore_ops, make), m->id, err) < 0)
			return -1;
	fd = restore_ns_open_own(r, m->flag, err);
	if (fd < 0)
		return -1;
	if (setns(back, m->flag) < 0)
		return img_fail_sys(err, "back from one more %s namespace", ns_file(m->flag));
	restore_ns_keep(r, m->flag, m->id, steal_fd(&fd));
	return 0;
}

struct mnt_plan **restore_ns_mnt_plan(struct restore *r)
{
	return &r->ns->mnt_plan;
}

int restore_ns_make(struct restore *r, struct img_err *err)
{
	if (each_room(r, offsetof(struct ns_restore_ops, early), false, err) < 0 || restore_join_enter(r, err) < 0)
		return -1;
	for (size_t i = 0; i < r->ns->nr_more; i++)
		if (r->ns->more[i].flag != CLONE_NEWNS && !r->ns->more[i].root && make_more(r, &r->ns->more[i], err) < 0)
			return -1;
	if (each_room(r, offsetof(struct ns_restore_ops, make), false, err) < 0)
		return -1;
	for (size_t i = 0; i < r->ns->nr_more; i++) {
		struct more_ns *m = &r->ns->more[i];
		int fd = m->root ? restore_ns_open_own(r, m->flag, err) : 0;

		if (fd < 0)
			return -1;
		if (m->root)
			*m->fd = (uint32_t)fd;
	}
	return 0;
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
		m = find_more(r, rows[i].flag, id);
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

/* ---- ids ---- */

static int keep_map(struct kern_idmap *map, UidGidExtent **list, size_t nr, struct img_err *err)
{
	for (size_t i = 0; i < nr; i++) {
		struct kern_idmap_range *at = img_array_more(&map->items, map->nr, &map->room);

		if (!at)
			return img_fail_nomem(err);
		*at = (struct kern_idmap_range){ list[i]->first, list[i]->lower_first, list[i]->count };
		map->nr++;
	}
	return 0;
}

int restore_ns_idmaps(struct restore *r, const UsernsEntry *e, struct img_err *err)
{
	return keep_map(&r->ns->uids, e->uid_map, e->n_uid_map, err) < 0
		       ? -1
		       : keep_map(&r->ns->gids, e->gid_map, e->n_gid_map, err);
}

void restore_ns_get_idmaps(const struct restore *r, const struct kern_idmap **uids, const struct kern_idmap **gids)
{
	*uids = &r->ns->uids;
	*gids = &r->ns->gids;
}

uint32_t restore_front_uid(const struct restore *r, uint32_t uid)
{
	if (restore_ns_new(r, CLONE_NEWUSER))
		kern_idmap_outside(&r->ns->uids, uid, &uid);
	return uid;
}

uint32_t restore_front_gid(const struct restore *r, uint32_t gid)
{
	if (restore_ns_new(r, CLONE_NEWUSER))
		kern_idmap_outside(&r->ns->gids, gid, &gid);
	return gid;
}

/* ---- where files are ---- */

static int by_mnt_id(const void *va, const void *vb)
{
	const struct mnt_place *a = va, *b = vb;

	return a->mnt_id < b->mnt_id ? -1 : a->mnt_id > b->mnt_id;
}

int restore_ns_mount(struct restore *r, uint32_t mnt_id, uint32_t ns, struct img_err *err)
{
	struct mnt_place *at = img_array_more(&r->ns->mnts, r->ns->nr_mnts, &r->ns->room_mnts);

	if (!at)
		return img_fail_nomem(err);
	*at = (struct mnt_place){ mnt_id, ns };
	r->ns->nr_mnts++;
	qsort(r->ns->mnts, r->ns->nr_mnts, sizeof(*r->ns->mnts), by_mnt_id);
	return 0;
}

static uint32_t ns_of_mount(const struct restore *r, int mnt_id)
{
	struct mnt_place seek = { .mnt_id = (uint32_t)mnt_id }, *found;

	if (mnt_id < 0 || !r->ns->nr_mnts)
		return 0;
	found = bsearch(&seek, r->ns->mnts, r->ns->nr_mnts, sizeof(seek), by_mnt_id);
	return found ? found->ns : 0;
}

int restore_ns_root_slot(struct restore *r, uint32_t id, struct img_err *err)
{
	struct mnt_root *root = img_array_more(&r->ns->roots, r->ns->nr_roots, &r->ns->room_roots);

	if (!root)
		return img_fail_nomem(err);
	r->ns->nr_roots++;
	root->id = id;
	root->fd = restore_shared_alloc(r, sizeof(*root->fd), err);
	return root->fd ? 0 : -1;
}

void restore_ns_keep_root(struct restore *r, uint32_t id, int fd)
{
	for (size_t i = 0; i < r->ns->nr_roots; i++)
		if (r->ns->roots[i].id == id)
			*r->ns->roots[i].fd = (uint32_t)fd;
}

int restore_ns_root_for(const struct restore *r, const struct restore_task *t, int mnt_id)
{
	uint32_t ns;

	if (!r->ns || r->ns->nr_roots < 2 || !(ns = ns_of_mount(r, mnt_id)))
		return -1;
	if (t->ids && t->ids->has_mnt_ns_id && t->ids->mnt_ns_id == ns)
		return -1;
	for (size_t i = 0; i < r->ns->nr_roots; i++)
		if (r->ns->roots[i].id == ns)
			return (int)*r->ns->roots[i].fd;
	return -1;
}

int restore_ns_switch(struct restore *r, int mnt_id, struct img_err *err)
{
	uint32_t ns;
	const struct more_ns *m;
	int fd;

	if (!r->ns || !r->ns->front_in || r->ns->nr_roots < 2)
		return 0;
	ns = ns_of_mount(r, mnt_id);
	if (!ns)
		ns = restore_ns_id(r, CLONE_NEWNS);
	if (ns == r->ns->front_in)
		return 0;
	m = find_more(r, CLONE_NEWNS, ns);
	fd = m && !m->root ? m->here : r->ns->mnt;
	if (setns(fd, CLONE_NEWNS) < 0)
		return img_fail_sys(err, "enter mount namespace %u", ns);
	r->ns->front_in = ns;
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
	r->ns->front_in = 0;
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
	r->ns->front_in = r->ns->mnt >= 0 ? restore_ns_id(r, CLONE_NEWNS) : 0;
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
