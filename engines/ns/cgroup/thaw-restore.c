/* engines/ns/cgroup/thaw-restore.c -- groups that are frozen where criu-restore wants to put tasks. */

#include <string.h>
#include <time.h>

#include "criu-restore/cgroups.h"
#include "criu-restore/plan.h"
#include "criuimg/cleanup.h"
#include "kernel/mountinfo.h"

enum {
	NAP_US = 200,
	NAPS_A_TRY = 250, /* 50 ms */
	NAPS_AT_THE_END = 5000, /* a second */
};

/* How each version says that a group is frozen, and how to say it. */
static const struct freezer {
	const char *file, *frozen, *thawed;
} freezers[] = {
	{ "freezer.state", "FROZEN", "THAWED" },
	{ "cgroup.freeze", "1", "0" },
};

/* Thawed while tasks come, and then as it was, unless the image says otherwise. Nobody else may run meanwhile. */
static int thaw_dir(struct restore *r, struct cg_dir *dir, struct img_err *err)
{
	const struct freezer *f = &freezers[dir->h->v2];
	cleanup_free char *now = NULL, *tasks = NULL;
	struct cg_prop *p;
	bool said = false;

	for (size_t i = 0; i < r->cgroups->nr_props; i++)
		if (r->cgroups->props[i].dir == dir && !strcmp(r->cgroups->props[i].name, f->file)) {
			said = true;
			if (r->cgroups->props[i].when == CG_EARLY)
				return 0;
		}
	if (!dir->there || (!dir->h->v2 && !kern_cgroup_has(dir->h->name, "freezer")))
		return 0;
	now = kern_cgroup_read(dir->h->root, dir->path, f->file, NULL);
	if (!now || !strcmp(now, f->thawed))
		return 0;
	tasks = kern_cgroup_read(dir->h->root, dir->path, "cgroup.procs", NULL);
	if (!tasks || *tasks) {
		img_fail(err, IMG_UNSUPPORTED, "control group %s of %s is frozen, and there are tasks in it", dir->path,
			kern_cgroup_dir_name(dir->h->name));
		return restore_plan_lack(r, err);
	}
	p = cg_add_prop(r, dir, f->file, f->thawed, NULL, err);
	if (!p)
		return -1;
	p->when = CG_EARLY;
	return said || cg_add_prop(r, dir, f->file, f->frozen, NULL, err) ? 0 : -1;
}

/* A task that comes into a frozen group stands still before it is whole. */
int cg_plan_thaw(struct restore *r, struct img_err *err)
{
	struct restore_cgroups *cg = r->cgroups;

	for (size_t i = 0; i < cg->nr_sets; i++)
		for (size_t k = 0; k < cg->nr_hiers; k++)
			for (size_t m = 0; cg->sets[i].paths[k] && m < cg->nr_dirs; m++)
				if (cg->dirs[m].h == &cg->hiers[k] && kern_path_below(cg->sets[i].paths[k], cg->dirs[m].path) &&
					thaw_dir(r, &cg->dirs[m], err) < 0)
					return -1;
	return 0;
}

/* Version 1 can miss a task that has just been let go: it gets another chance. */
int cg_freeze_whole(const struct cg_prop *p, struct img_err *err)
{
	const struct freezer *f = &freezers[0];

	if (strcmp(p->name, f->file) || !p->value || strcmp(p->value, f->frozen))
		return 0;
	for (unsigned naps = 1; naps < NAPS_AT_THE_END; naps++) {
		cleanup_free char *now = kern_cgroup_read(p->dir->h->root, p->dir->path, f->file, err);

		if (!now)
			return -1;
		if (!strcmp(now, f->frozen))
			break;
		if (naps % NAPS_A_TRY == 0 && (kern_cgroup_write(p->dir->h->root, p->dir->path, f->file, f->thawed, err) < 0 ||
						      kern_cgroup_write(p->dir->h->root, p->dir->path, f->file, f->frozen, err) < 0))
			return -1;
		nanosleep(&(struct timespec){ .tv_nsec = NAP_US * 1000 }, NULL);
	}
	return 0;
}
