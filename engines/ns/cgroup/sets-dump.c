/* engines/ns/cgroup/sets-dump.c -- what criu-dump saves of control groups: which thread is in which (cgroup.img).
 *
 * Threads in the same groups share a set. A thread that is where criu-dump is has set 1, which has no record unless threads of the
 * tree are elsewhere: it comes back where criu-restore is. Directories and properties: trees-dump.c, props-dump.c.
 *
 * Paths are those that we see. How much of them lies above the root of a task's cgroup namespace is what it does not see of them itself.
 */

#include <sched.h>
#include <stdlib.h>
#include <string.h>

#include "criu-dump/cgroups.h"
#include "criu-dump/ns_ops.h"
#include "criu-dump/task_ops.h"
#include "criuimg/array.h"
#include "criuimg/cleanup.h"
#include "criuimg/image.h"
#include "options/cgroups.h"

extern const struct task_dump_ops cgroup_dump_ops;
extern const struct ns_dump_ops cgroup_ns_dump_ops;

/* ---- sets ---- */

/* --cgroup-dump-controller: the others are not looked at. */
static bool is_wanted(const struct dump *d, const char *name)
{
	const struct option_list *only = &d->opt->cgroup_dump_controllers;

	for (size_t i = 0; i < only->nr; i++)
		if (kern_cgroup_has(name, only->items[i]))
			return true;
	return !only->nr;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct cg_member *)a)->name, ((const struct cg_member *)b)->name);
}

static bool same_set(const struct cg_set *a, const struct cg_set *b)
{
	if (a->nr != b->nr)
		return false;
	for (size_t i = 0; i < a->nr; i++)
		if (strcmp(a->members[i].name, b->members[i].name) || strcmp(a->members[i].path, b->members[i].path) ||
			a->members[i].prefix != b->members[i].prefix)
			return false;
	return true;
}

/* What a task in another cgroup namespace sees of its own groups. inside is empty where it is in ours. */
static int read_inside(struct dump *d, struct dump_thread *th, struct kern_cgroups *inside, struct img_err *err)
{
	int own = -1, ret;

	*inside = (struct kern_cgroups)KERN_CGROUPS_INIT;
	if (!dump_ns_of(d, th->task, CLONE_NEWCGROUP))
		return 0;
	if (dump_ns_enter(d, th->task, CLONE_NEWCGROUP, &own, err) < 0)
		return -1;
	ret = kern_cgroups_read(th->task->pid, th->tid, inside, err);
	return dump_ns_leave(CLONE_NEWCGROUP, &own, err) < 0 ? -1 : ret;
}

/* The bytes of path that are not seen from inside, where it ends in `seen`. */
static uint32_t prefix_of(const char *path, const char *seen)
{
	size_t len = strlen(path), tail = strlen(seen);

	if (!strcmp(seen, "/"))
		return strcmp(path, "/") ? len : 0;
	return tail <= len ? len - tail : 0;
}

/* The set of these groups: in cg->sets, new there if need be. NULL on failure. */
static struct cg_set *set_of(
	struct dump *d, const struct kern_cgroups *groups, const struct kern_cgroups *inside, struct img_err *err)
{
	struct dump_cgroups *cg = d->cgroups;
	struct cg_set *set = img_array_more(&cg->sets, cg->nr, &cg->room);

	if (!set || !(set->members = img_arena_array(&d->arena, groups->nr + 1, sizeof(*set->members)))) {
		img_fail_nomem(err);
		return NULL;
	}
	set->id = CG_OWN_SET + cg->nr;
	set->nr = 0;
	set->used = false;
	for (size_t i = 0; i < groups->nr; i++) {
		struct cg_member *m = &set->members[set->nr];
		const char *seen = kern_cgroups_path(inside, groups->items[i].name);

		if (!is_wanted(d, groups->items[i].name))
			continue;
		m->name = img_arena_strdup(&d->arena, groups->items[i].name);
		m->path = img_arena_strdup(&d->arena, groups->items[i].path);
		m->id = groups->items[i].id;
		m->prefix = seen ? prefix_of(groups->items[i].path, seen) : 0;
		if (!m->name || !m->path) {
			img_fail_nomem(err);
			return NULL;
		}
		set->nr++;
	}
	qsort(set->members, set->nr, sizeof(*set->members), by_name);
	for (size_t i = 0; i < cg->nr; i++)
		if (same_set(&cg->sets[i], set))
			return &cg->sets[i];
	cg->nr++;
	return set;
}

int dump_cgroups_begin(struct dump *d, struct img_err *err)
{
	struct kern_cgroups own, none = KERN_CGROUPS_INIT;
	int ret = -1;

	if (options_cgroup_mode(d->opt) == CGROUPS_IGNORE)
		return 0;
	d->cgroups = calloc(1, sizeof(*d->cgroups));
	if (!d->cgroups)
		return img_fail_nomem(err);
	d->cgroups->arena = &d->arena;
	if (cg_props_init(d, d->cgroups, err) < 0)
		return -1;
	if (kern_cgroups_read(0, 0, &own, err) == 0 && set_of(d, &own, &none, err))
		ret = 0;
	kern_cgroups_free(&own);
	return ret;
}

void dump_cgroups_free(struct dump *d)
{
	struct dump_cgroups *cg = d->cgroups;

	for (size_t i = 0; cg && i < cg->nr_props; i++)
		free(cg->props[i].names);
	if (cg) {
		free(cg->props);
		free(cg->sets);
	}
	free(cg);
	d->cgroups = NULL;
}

/* ---- the room ---- */

static int check_thread(struct dump *d, struct dump_thread *th, const struct kern_cgroups *groups, const char *whose)
{
	for (size_t i = 0; i < groups->nr; i++)
		if (kern_cgroup_outside(groups->items[i].path) && is_wanted(d, groups->items[i].name) &&
			dump_block(d, th->task, "", "thread %d: its control group %s:%s is outside of %s", th->tid,
				groups->items[i].name, groups->items[i].path, whose) < 0)
			return -1;
	return 0;
}

static int cgroup_check(struct dump *d, struct dump_task *t, struct img_err *err)
{
	for_each_thread(t, th) {
		struct kern_cgroups groups = KERN_CGROUPS_INIT, inside = KERN_CGROUPS_INIT;
		int ret;

		if (!d->cgroups)
			return 0;
		ret = kern_cgroups_read(t->pid, th->tid, &groups, err);
		if (ret == 0)
			ret = read_inside(d, th, &inside, err);
		if (ret == 0 && (check_thread(d, th, &groups, "our cgroup namespace") < 0 ||
					check_thread(d, th, &inside, "its cgroup namespace") < 0))
			ret = img_fail_nomem(err);
		kern_cgroups_free(&groups);
		kern_cgroups_free(&inside);
		if (ret < 0)
			return -1;
	}
	return 0;
}

static int cgroup_thread(struct dump *d, struct dump_thread *th, struct img_err *err)
{
	struct kern_cgroups groups = KERN_CGROUPS_INIT, inside = KERN_CGROUPS_INIT;
	struct cg_set *set = NULL;

	if (!d->cgroups)
		return 0;
	if (kern_cgroups_read(th->task->pid, th->tid, &groups, err) == 0 && read_inside(d, th, &inside, err) == 0)
		set = set_of(d, &groups, &inside, err);
	kern_cgroups_free(&groups);
	kern_cgroups_free(&inside);
	if (!set)
		return -1;
	set->used = true;
	th->core->thread_core->cg_set = set->id;
	return 0;
}

static int fill_set(struct dump *d, const struct cg_set *set, CgSetEntry *e, struct img_err *err)
{
	CgMemberEntry *members = img_arena_array(&d->arena, set->nr + 1, sizeof(*members));

	e->ctls = img_arena_array(&d->arena, set->nr + 1, sizeof(*e->ctls));
	if (!members || !e->ctls)
		return img_fail_nomem(err);
	e->id = set->id;
	for (size_t i = 0; i < set->nr; i++) {
		const struct cg_member *m = &set->members[i];

		cg_member_entry__init(&members[i]);
		members[i].name = (char *)m->name;
		members[i].path = (char *)m->path;
		members[i].has_cgns_prefix = m->prefix > 0;
		members[i].cgns_prefix = m->prefix;
		e->ctls[e->n_ctls++] = &members[i];
	}
	return 0;
}

static int cgroup_tree(struct dump *d, struct img_err *err)
{
	CgroupEntry e = CGROUP_ENTRY__INIT;
	struct dump_cgroups *cg = d->cgroups;
	CgSetEntry *sets;

	/* All of them are where we are. */
	if (!cg || cg->nr == 1)
		return 0;
	sets = img_arena_array(&d->arena, cg->nr, sizeof(*sets));
	e.sets = img_arena_array(&d->arena, cg->nr, sizeof(*e.sets));
	if (!sets || !e.sets)
		return img_fail_nomem(err);
	for (size_t i = 0; i < cg->nr; i++) {
		cg_set_entry__init(&sets[i]);
		if (!cg->sets[i].used)
			continue;
		if (fill_set(d, &cg->sets[i], &sets[i], err) < 0)
			return -1;
		e.sets[e.n_sets++] = &sets[i];
		log_info(d->log, "control groups: set %u of %zu hierarchies", cg->sets[i].id, cg->sets[i].nr);
	}
	if (cg_trees_read(d, &e, err) < 0)
		return -1;
	return img_write_single(d->set, IMG_CGROUP, 0, &e.base, err);
}

const struct task_dump_ops cgroup_dump_ops = {
	.name = "cgroup",
	.check = cgroup_check,
	.thread = cgroup_thread,
	.tree = cgroup_tree,
};

/* All that there is to say of a cgroup namespace is where its root is: cgns_prefix. */
const struct ns_dump_ops cgroup_ns_dump_ops = {
	.name = "cgroup",
	.flag = CLONE_NEWCGROUP,
};
