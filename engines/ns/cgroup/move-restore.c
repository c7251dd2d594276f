/* engines/ns/cgroup/move-restore.c -- how criu-restore gets each task and thread into its control groups, and makes cgroup namespaces.
 *
 * Tasks are born in the groups of who made them, the root in those of the front. Each moves itself before it has memory of its own, so that
 * what it gets is counted where it belongs. The files that it writes "0" to are open from before: whose groups they are is
 * judged by who opened them, and the tree may be in a user namespace of its own.
 *
 * Threads are moved by the front when all of them exist; so are tasks in hierarchies that could keep them from becoming whole (devices,
 * freezer).
 *
 * The root of a cgroup namespace is where its maker is at that moment. So the root of the tree goes there for each of them, and to its own
 * groups afterwards.
 */

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "criu-restore/cgroups.h"
#include "criu-restore/namespaces.h"
#include "criu-restore/ns_ops.h"
#include "criu-restore/task_ops.h"
#include "criuimg/array.h"
#include "criuimg/cleanup.h"

extern const struct task_restore_ops cgroup_restore_ops;
extern const struct ns_restore_ops cgroup_ns_restore_ops;

/* ---- files to write to ---- */

static struct cg_place *find_place(struct restore_cgroups *cg, const struct cg_hier *h, const char *path)
{
	for (size_t i = 0; i < cg->nr_places; i++)
		if (cg->places[i].h == h && !strcmp(cg->places[i].path, path))
			return &cg->places[i];
	return NULL;
}

static int add_place(struct restore *r, struct cg_hier *h, const char *path, struct img_err *err)
{
	struct restore_cgroups *cg = r->cgroups;
	struct cg_place *place;

	if (!path || find_place(cg, h, path))
		return 0;
	place = img_array_more(&cg->places, cg->nr_places, &cg->room_places);
	if (!place)
		return img_fail_nomem(err);
	*place = (struct cg_place){ .h = h, .path = path, .fd = -1 };
	cg->nr_places++;
	return 0;
}

int cg_places_plan(struct restore *r, struct img_err *err)
{
	struct restore_cgroups *cg = r->cgroups;

	for (size_t k = 0; k < cg->nr_hiers; k++) {
		struct cg_hier *h = &cg->hiers[k];
		bool moves = cg->namespaces;

		for (size_t i = 0; i < cg->nr_sets; i++)
			moves |= cg->sets[i].paths[k] && strcmp(cg->sets[i].paths[k], h->own);
		if (!moves)
			continue;
		for (size_t i = 0; i < cg->nr_sets; i++)
			if (add_place(r, h, cg->sets[i].paths[k], err) < 0 ||
				(cg->namespaces && add_place(r, h, cg->sets[i].roots[k], err) < 0))
				return -1;
		if (add_place(r, h, h->own, err) < 0)
			return -1;
	}
	return 0;
}

int cg_places_open(struct restore *r, struct img_err *err)
{
	struct restore_cgroups *cg = r->cgroups;

	for (size_t i = 0; i < cg->nr_places; i++) {
		struct cg_place *p = &cg->places[i];

		p->fd = kern_cgroup_file(p->h->root, p->path, "cgroup.procs", O_WRONLY, err);
		if (p->fd < 0)
			return img_wrap(err, "%s", kern_cgroup_dir_name(p->h->name));
	}
	return 0;
}

/* ---- where a task is, and where it is to be ---- */

static const char *path_of(const struct restore *r, const struct restore_thread *th, size_t hier)
{
	const struct cg_place_set *set = cg_set_of(r, th);
	const char *path = set ? set->paths[hier] : NULL;

	return path ? path : r->cgroups->hiers[hier].own;
}

/* Those without records stay where they are born. */
static const char *born_in(const struct restore *r, const struct restore_task *t, size_t hier)
{
	for (t = t->creator; t; t = t->creator)
		if (restore_task_lives(t))
			return path_of(r, &t->threads[0], hier);
	return r->cgroups->hiers[hier].own;
}

static int move_self(struct restore *r, size_t hier, const char *path, struct img_err *err)
{
	struct restore_cgroups *cg = r->cgroups;
	const struct cg_place *p = find_place(cg, &cg->hiers[hier], path);

	if (p && write(p->fd, "0", 1) < 0)
		return img_fail_sys(err, "move to control group %s%s", kern_cgroup_dir_name(p->h->name), path);
	return 0;
}

int restore_cgroups_enter(struct restore *r, struct restore_task *t, struct img_err *err)
{
	const struct restore_cgroups *cg = r->cgroups;
	bool strayed = cg && t == r->root && cg->namespaces;

	if (!cg || !restore_task_lives(t))
		return 0;
	for (size_t k = 0; k < cg->nr_hiers; k++) {
		const char *want = path_of(r, &t->threads[0], k);

		if (cg->hiers[k].late && !strayed)
			continue;
		if ((strayed || strcmp(want, born_in(r, t, k))) &&
			move_self(r, k, cg->hiers[k].late ? cg->hiers[k].own : want, err) < 0)
			return -1;
	}
	log_debug(r->log, "pid %d: is in its control groups", t->pid);
	return 0;
}

/* ---- cgroup namespaces ---- */

bool restore_cgroups_stray(const struct restore *r)
{
	return r->cgroups && r->cgroups->namespaces;
}

int restore_cgroups_at_root(struct restore *r, uint32_t id, struct img_err *err)
{
	const struct cg_place_set *set = NULL;

	for (size_t i = 0; r->cgroups && !set && i < r->nr_tasks; i++) {
		const struct restore_task *t = &r->tasks[i];

		if (restore_task_lives(t) && t->ids && t->ids->has_cgroup_ns_id && t->ids->cgroup_ns_id == id)
			set = cg_set_of(r, &t->threads[0]);
	}
	for (size_t k = 0; set && k < r->cgroups->nr_hiers; k++)
		if (set->roots[k] && move_self(r, k, set->roots[k], err) < 0)
			return -1;
	return 0;
}

static int cgroup_ns_make(struct restore *r, uint32_t id, struct img_err *err)
{
	if (restore_cgroups_at_root(r, id, err) < 0)
		return -1;
	if (unshare(CLONE_NEWCGROUP) < 0)
		return img_fail_sys(err, "make cgroup namespace %u", id);
	return 0;
}

/* ---- threads, and what has to wait ---- */

static int move_other(struct restore *r, size_t hier, const char *path, const char *file, pid_t tid, struct img_err *err)
{
	const struct cg_hier *h = &r->cgroups->hiers[hier];
	char number[16];

	snprintf(number, sizeof(number), "%d", tid);
	if (kern_cgroup_write(h->root, path, file, number, err) < 0)
		return img_wrap(err, "move to control group of %s", kern_cgroup_dir_name(h->name));
	return 0;
}

static int cgroup_held(struct restore *r, struct restore_task *t, struct restore_thread *th, struct img_err *err)
{
	const struct restore_cgroups *cg = r->cgroups;

	for (size_t k = 0; cg && k < cg->nr_hiers; k++) {
		const struct cg_hier *h = &cg->hiers[k];
		bool leader = th == t->threads;
		const char *want = path_of(r, th, k), *is = path_of(r, &t->threads[0], k);

		if (leader)
			is = h->late ? h->own : want;
		if (strcmp(want, is) &&
			move_other(r, k, want, leader ? "cgroup.procs" : h->v2 ? "cgroup.threads" : "tasks", th->here, err) < 0)
			return -1;
	}
	return 0;
}

const struct task_restore_ops cgroup_restore_ops = {
	.name = "cgroup",
	.held = cgroup_held,
};

const struct ns_restore_ops cgroup_ns_restore_ops = {
	.name = "cgroup",
	.flag = CLONE_NEWCGROUP,
	.early = cgroup_ns_make,
};
