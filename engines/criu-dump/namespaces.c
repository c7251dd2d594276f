/* criu-dump/namespaces.c -- which namespaces the tasks live in.
 *
 * Those that criu-dump lives in too have fixed small numbers, and nothing of them is saved. The others are numbered as they
 * are met; what is in them is saved by the rooms of engines/ns/.
 */

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "criu-dump/ns_ops.h"
#include "criu-dump/spine.h"
#include "criuimg/array.h"
#include "criuimg/cleanup.h"
#include "kernel/idmap.h"
#include "options/external.h"

/* Numbers as the classic images give them to those of the dumping program, in this order. */
static const struct ns_row {
	const char *name; /* below /proc/PID/ns */
	const char *words;
	int flag;
	size_t id, has;
	uint32_t number;
} rows[] = {
#define ROW(field) offsetof(TaskKobjIdsEntry, field##_ns_id), offsetof(TaskKobjIdsEntry, has_##field##_ns_id)
	{ "pid", "pid namespace", CLONE_NEWPID, ROW(pid), 1 },
	{ "net", "network namespace", CLONE_NEWNET, ROW(net), 2 },
	{ "ipc", "IPC namespace", CLONE_NEWIPC, ROW(ipc), 3 },
	{ "uts", "UTS namespace", CLONE_NEWUTS, ROW(uts), 4 },
	{ "time", "time namespace", CLONE_NEWTIME, ROW(time), 5 },
	{ "mnt", "mount namespace", CLONE_NEWNS, ROW(mnt), 6 },
	{ "user", "user namespace", CLONE_NEWUSER, ROW(user), 7 },
	{ "cgroup", "cgroup namespace", CLONE_NEWCGROUP, ROW(cgroup), 8 },
#undef ROW
};

/* What children will get: no record of its own, but it must be the same as that of the task. Of a pid namespace that has no process yet
 * there is nothing to be seen. */
static const struct {
	const char *name, *same_as;
	const char *words;
} for_children[] = {
	{ "pid_for_children", "pid", "pid namespace for its children" },
	{ "time_for_children", "time", "time namespace for its children" },
};

/* What a thread may have that its process has not: setns(2), unshare(2). The others want a process of one thread, or a table of directories
 * of its own (ids.c). */
static const struct {
	const char *name, *words;
} of_threads[] = {
	{ "net", "network namespace" },
	{ "uts", "UTS namespace" },
	{ "ipc", "IPC namespace" },
	{ "cgroup", "cgroup namespace" },
	{ "pid_for_children", "pid namespace for its children" },
};

struct dump_ns {
	struct stat own[ARRAY_SIZE(rows)];
	bool have[ARRAY_SIZE(rows)]; /* this kernel has such namespaces */
	struct dump_namespace *items;
	size_t nr, room;
	uint32_t last_id;
	bool own_ids; /* the tree has a user namespace of its own: these are its ids */
	struct kern_idmap uids, gids;
};

static void set_id(TaskKobjIdsEntry *ids, const struct ns_row *row, uint32_t number)
{
	*(uint32_t *)((char *)ids + row->id) = number;
	*(protobuf_c_boolean *)((char *)ids + row->has) = 1;
}

static uint32_t get_id(const TaskKobjIdsEntry *ids, const struct ns_row *row)
{
	return ids ? *(const uint32_t *)((const char *)ids + row->id) : 0;
}

static const struct ns_row *row_of(int flag)
{
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		if (rows[i].flag == flag)
			return &rows[i];
	return NULL;
}

void dump_own_namespaces(TaskKobjIdsEntry *ids)
{
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		set_id(ids, &rows[i], rows[i].number);
}

/* 1: there is one, 0: this kernel has no such namespaces (or, of those for children, none was made), -1 */
static int look(pid_t pid, const char *name, struct stat *st, struct img_err *err)
{
	char path[64];

	if (pid)
		snprintf(path, sizeof(path), "/proc/%d/ns/%s", pid, name);
	else
		snprintf(path, sizeof(path), "/proc/self/ns/%s", name);
	if (stat(path, st) == 0)
		return 1;
	if (errno == ENOENT)
		return 0;
	return img_fail_sys(err, "%s", path);
}

/* ---- who lives where ---- */

static struct dump_namespace *find(const struct dump_ns *ns, int flag, ino_t ino)
{
	for (size_t i = 0; i < ns->nr; i++)
		if (ns->items[i].flag == flag && ns->items[i].ino == ino)
			return &ns->items[i];
	return NULL;
}

static struct dump_namespace *add(struct dump *d, const struct ns_row *row, struct dump_task *t, const struct stat *st)
{
	struct dump_ns *ns = d->ns;
	struct dump_namespace *n = img_array_more(&ns->items, ns->nr, &ns->room);

	if (!n)
		return NULL;
	ns->nr++;
	n->flag = row->flag;
	n->id = ++ns->last_id;
	n->dev = st->st_dev;
	n->ino = st->st_ino;
	n->task = t;
	if (row->flag & (CLONE_NEWPID | CLONE_NEWNET))
		n->ext_key = options_external(d->opt, "%s[%llu]", row->name, (unsigned long long)st->st_ino);
	log_info(d->log, "pid %d: %s %llu is number %u%s%s", t->vpid, row->words, (unsigned long long)st->st_ino, n->id,
		n->ext_key ? ", external: " : "", n->ext_key ? n->ext_key : "");
	return n;
}

static int look_at_kind(struct dump *d, struct dump_task *t, size_t i, struct img_err *err)
{
	const struct ns_row *row = &rows[i];
	struct dump_namespace *n;
	struct stat st;
	int got = d->ns->have[i] ? look(t->pid, row->name, &st, err) : 0;

	if (got <= 0)
		return got;
	if (st.st_ino == d->ns->own[i].st_ino && st.st_dev == d->ns->own[i].st_dev) {
		set_id(t->ids, row, row->number);
		return 0;
	}
	n = find(d->ns, row->flag, st.st_ino);
	if (!n)
		n = add(d, row, t, &st);
	if (!n)
		return img_fail_nomem(err);
	set_id(t->ids, row, n->id);
	return 0;
}

/* Of the user namespace of the root: all tasks are in that. */
static int read_idmaps(struct dump *d, struct img_err *err)
{
	const struct dump_task *root = d->tasks.items[0];

	d->ns->own_ids = dump_ns_of(d, root, CLONE_NEWUSER);
	if (!d->ns->own_ids)
		return 0;
	return kern_idmap_read(root->pid, "uid_map", &d->ns->uids, err) < 0
		       ? -1
		       : kern_idmap_read(root->pid, "gid_map", &d->ns->gids, err);
}

void dump_ns_idmaps(const struct dump *d, const struct kern_idmap **uids, const struct kern_idmap **gids)
{
	*uids = &d->ns->uids;
	*gids = &d->ns->gids;
}

static uint32_t inside(const struct dump *d, const struct kern_idmap *map, uint32_t id)
{
	if (!d->ns || !d->ns->own_ids)
		return id;
	return kern_idmap_inside(map, id, &id) ? id : KERN_OVERFLOW_ID;
}

uint32_t dump_uid(const struct dump *d, uint32_t uid)
{
	return d->ns ? inside(d, &d->ns->uids, uid) : uid;
}

uint32_t dump_gid(const struct dump *d, uint32_t gid)
{
	return d->ns ? inside(d, &d->ns->gids, gid) : gid;
}

static int look_at_children(struct dump *d, struct dump_task *t, struct img_err *err)
{
	for (size_t i = 0; i < ARRAY_SIZE(for_children); i++) {
		struct stat st = { 0 }, own;
		int got = look(t->pid, for_children[i].name, &st, err);

		if (got < 0 || look(t->pid, for_children[i].same_as, &own, err) <= 0) {
			if (got < 0)
				return -1;
			continue;
		}
		if (st.st_ino != own.st_ino &&
			dump_block(d, t, "", "a %s of its own is not supported", for_children[i].words) < 0)
			return img_fail_nomem(err);
	}
	return 0;
}

static int look_at_threads(struct dump *d, struct dump_task *t, struct img_err *err)
{
	struct stat leader[ARRAY_SIZE(of_threads)] = { 0 };

	for (size_t k = 0; k < ARRAY_SIZE(of_threads) && t->nr_threads > 1; k++)
		if (look(t->pid, of_threads[k].name, &leader[k], err) < 0)
			return -1;
	for (size_t i = 1; i < t->nr_threads; i++)
		for (size_t k = 0; k < ARRAY_SIZE(of_threads); k++) {
			struct stat st = { 0 };

			/* A thread has a directory of its own here, though it is not listed. */
			if (look(t->threads[i].tid, of_threads[k].name, &st, err) < 0)
				return -1;
			if (d->dry_run && !st.st_ino)
				continue; /* it runs, and has ended */
			if (st.st_ino != leader[k].st_ino &&
				dump_block(d, t, "", "thread %d: a %s of its own is not supported", t->threads[i].tid,
					of_threads[k].words) < 0)
				return img_fail_nomem(err);
		}
	return 0;
}

/* ---- what cannot be carried ---- */

/* Kinds of which tasks of a tree may have different ones, when the root has one of its own. */
#define CAN_BE_MANY (CLONE_NEWNS | CLONE_NEWNET | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWCGROUP)

static bool has_room(int flag)
{
	for (size_t i = 0; dump_ns_rooms[i]; i++)
		if (dump_ns_rooms[i]->flag == flag)
			return true;
	return false;
}

/* Not looked into: it comes from outside (its room says so in an image), or scripts will fill it (--empty-ns net). */
static bool left_out(const struct dump *d, const struct dump_namespace *n, const struct ns_dump_ops *room)
{
	if (n->ext_key)
		return !room->external;
	for (size_t i = 0; n->flag == CLONE_NEWNET && i < d->opt->empty_ns.nr; i++)
		if (!strcmp(d->opt->empty_ns.items[i], "net"))
			return true;
	return false;
}

/* May it be another one than that of the root? Where the root has none of its own, only if it can be made from there: a cgroup namespace, by
 * who is in the group that is its root, and comes back. */
static bool may_differ(const struct dump *d, const struct dump_namespace *n, const struct ns_row *row)
{
	const struct dump_task *root = d->tasks.items[0];

	if (get_id(root->ids, row) == row->number)
		return n->flag == CLONE_NEWCGROUP && !dump_ns_of(d, root, CLONE_NEWUSER);
	return n->flag & CAN_BE_MANY;
}

static int check_one(struct dump *d, const struct dump_namespace *n, struct img_err *err)
{
	const struct dump_task *root = d->tasks.items[0];
	const struct ns_row *row = row_of(n->flag);

	if (!has_room(n->flag))
		return dump_block(d, n->task, "", "a %s of its own is not supported yet", row->words);
	if (get_id(n->task->ids, row) != get_id(root->ids, row) && !may_differ(d, n, row))
		return dump_block(d, n->task, "", "a %s of its own, below pid %d, is not supported yet", row->words, root->pid);
	if (n->flag == CLONE_NEWPID && !n->ext_key && root->vpid != 1)
		return dump_block(d, root, "",
			"it is not the first process of its pid namespace: name the namespace with --external pid[%llu]:KEY",
			(unsigned long long)n->ino);
	for (size_t i = 0; dump_ns_rooms[i]; i++) {
		const struct ns_dump_ops *room = dump_ns_rooms[i];
		int own = -1, ret;

		if (room->flag != n->flag || !room->check || left_out(d, n, room))
			continue;
		if (room->inside && dump_ns_enter(d, n->task, n->flag, &own, err) < 0)
			return -1;
		ret = room->check(d, n, err);
		if (room->inside && dump_ns_leave(n->flag, &own, err) < 0)
			ret = -1;
		if (ret < 0)
			return img_wrap(err, "%s namespace", room->name);
	}
	return 0;
}

/* A tree whose root lives with us and some other task does not. */
static int check_strays(struct dump *d, struct img_err *err)
{
	const struct dump_task *root = d->tasks.items[0];

	for_each_live_task(d, t)
		for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
			if (get_id(t->ids, &rows[i]) == rows[i].number && get_id(root->ids, &rows[i]) != rows[i].number &&
				dump_block(d, t, "", "is not in the %s of pid %d: not supported yet", rows[i].words,
					root->pid) < 0)
				return img_fail_nomem(err);
	return 0;
}

int dump_namespaces(struct dump *d, struct img_err *err)
{
	d->ns = img_arena_alloc(&d->arena, sizeof(*d->ns));
	if (!d->ns)
		return img_fail_nomem(err);
	d->ns->last_id = ARRAY_SIZE(rows);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		int got = look(0, rows[i].name, &d->ns->own[i], err);

		if (got < 0)
			return -1;
		d->ns->have[i] = got;
	}
	for_each_live_task(d, t) {
		for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
			if (look_at_kind(d, t, i, err) < 0)
				return img_wrap(err, "pid %d", t->pid);
		if (look_at_children(d, t, err) < 0 || look_at_threads(d, t, err) < 0)
			return img_wrap(err, "pid %d", t->pid);
	}
	if (read_idmaps(d, err) < 0)
		return -1;
	for (size_t i = 0; i < d->ns->nr; i++)
		if (check_one(d, &d->ns->items[i], err) < 0)
			return err->code ? -1 : img_fail_nomem(err);
	return check_strays(d, err);
}

/* A hook of a room for one namespace, inside of it where the room wants that. */
static int call_inside(struct dump *d, const struct ns_dump_ops *room, struct dump_namespace *n,
	int (*hook)(struct dump *d, const struct ns_dump_ops *room, struct dump_namespace *n, struct img_err *err), struct img_err *err)
{
	int own = -1, ret;

	if (room->flag != n->flag || left_out(d, n, room))
		return 0;
	if (room->inside && dump_ns_enter(d, n->task, n->flag, &own, err) < 0)
		return -1;
	ret = hook(d, room, n, err);
	if (room->inside && dump_ns_leave(n->flag, &own, err) < 0)
		ret = -1;
	return ret < 0 ? img_wrap(err, "%s namespace of pid %d", room->name, n->task->pid) : 0;
}

static int call_dump(struct dump *d, const struct ns_dump_ops *room, struct dump_namespace *n, struct img_err *err)
{
	return room->dump ? room->dump(d, n, err) : 0;
}

static int call_unlocked(struct dump *d, const struct ns_dump_ops *room, struct dump_namespace *n, struct img_err *err)
{
	return room->unlocked ? room->unlocked(d, n, err) : 0;
}

int dump_namespaces_write(struct dump *d, struct img_err *err)
{
	for (size_t i = 0; i < d->ns->nr; i++)
		for (size_t k = 0; dump_ns_rooms[k]; k++)
			if (call_inside(d, dump_ns_rooms[k], &d->ns->items[i], call_dump, err) < 0)
				return -1;
	return 0;
}

int dump_namespaces_unlocked(struct dump *d, struct img_err *err)
{
	for (size_t i = 0; i < d->ns->nr; i++)
		for (size_t k = 0; dump_ns_rooms[k]; k++)
			if (dump_ns_rooms[k]->unlocked && call_inside(d, dump_ns_rooms[k], &d->ns->items[i], call_unlocked, err) < 0)
				return -1;
	return 0;
}

static int open_up(void *arg, const char *name, struct img_err *err)
{
	int dir = *(int *)arg;
	char compressed[NAME_MAX + 1];

	/* A page image that is compressed is known by its name without the end. */
	snprintf(compressed, sizeof(compressed), "%s.zst", name);
	if (fchmodat(dir, name, 0644, 0) < 0 && (errno != ENOENT || fchmodat(dir, compressed, 0644, 0) < 0))
		return img_fail_sys(err, "%s", name);
	return 0;
}

/* Tasks in a user namespace read their images themselves, and are nobody to us then. So the images are as open as the
 * directory that they are in: whoever may search that. */
int dump_namespaces_modes(struct dump *d, struct img_err *err)
{
	int dir = img_set_dirfd(d->set);

	if (!d->ns || !d->ns->own_ids || dir < 0)
		return 0;
	return img_set_each(d->set, open_up, &dir, err);
}

void dump_namespaces_free(struct dump *d)
{
	if (d->ns) {
		free(d->ns->items);
		kern_idmap_free(&d->ns->uids);
		kern_idmap_free(&d->ns->gids);
	}
	d->ns = NULL;
}

/* ---- for others ---- */

const struct dump_namespace *dump_ns_by_id(const struct dump *d, uint32_t id)
{
	for (size_t i = 0; d->ns && i < d->ns->nr; i++)
		if (d->ns->items[i].id == id)
			return &d->ns->items[i];
	return NULL;
}

const struct dump_namespace *dump_ns_nth(const struct dump *d, int flag, size_t n)
{
	for (size_t i = 0; d->ns && i < d->ns->nr; i++)
		if (d->ns->items[i].flag == flag && n-- == 0)
			return &d->ns->items[i];
	return NULL;
}

const struct dump_namespace *dump_ns_of(const struct dump *d, const struct dump_task *t, int flag)
{
	return dump_ns_by_id(d, get_id(t->ids, row_of(flag)));
}

uint32_t dump_ns_number(const struct dump *d, int flag, ino_t ino)
{
	const struct dump_namespace *n = find(d->ns, flag, ino);

	if (n)
		return n->id;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		if (rows[i].flag == flag && d->ns->own[i].st_ino == ino)
			return rows[i].number;
	return 0;
}

int dump_ns_enter(struct dump *d, const struct dump_task *t, int flag, int *own, struct img_err *err)
{
	const struct ns_row *row = row_of(flag);
	cleanup_fd int back = -1, fd = -1;
	char path[64];

	*own = -1;
	if (!dump_ns_of(d, t, flag))
		return 0;
	snprintf(path, sizeof(path), "/proc/self/ns/%s", row->name);
	back = open(path, O_RDONLY | O_CLOEXEC);
	if (back < 0)
		return img_fail_sys(err, "%s", path);
	snprintf(path, sizeof(path), "/proc/%d/ns/%s", t->pid, row->name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return img_fail_sys(err, "%s", path);
	if (setns(fd, flag) < 0)
		return img_fail_sys(err, "enter %s", path);
	*own = steal_fd(&back);
	return 0;
}

int dump_ns_leave(int flag, int *own, struct img_err *err)
{
	cleanup_fd int fd = steal_fd(own);

	if (fd >= 0 && setns(fd, flag) < 0)
		return img_fail_sys(err, "back to our own namespace");
	return 0;
}

/* Ours is among them when some task lives with us, as is every one that is not in the list. */
static bool lives_here(const struct dump *d, int flag)
{
	for_each_live_task(d, t)
		if (!dump_ns_of(d, t, flag))
			return true;
	return false;
}

int dump_ns_each(struct dump *d, int flag, int (*fn)(void *arg, struct img_err *err), void *arg, struct img_err *err)
{
	if (lives_here(d, flag) && fn(arg, err) < 0)
		return -1;
	for (size_t i = 0; i < d->ns->nr; i++) {
		int own = -1, ret;

		if (d->ns->items[i].flag != flag)
			continue;
		if (dump_ns_enter(d, d->ns->items[i].task, flag, &own, err) < 0)
			return -1;
		ret = fn(arg, err);
		if (dump_ns_leave(flag, &own, err) < 0 || ret < 0)
			return -1;
	}
	return 0;
}
