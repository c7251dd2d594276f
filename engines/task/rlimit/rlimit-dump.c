/* engines/task/rlimit/rlimit-dump.c -- what criu-dump saves of resource limits: getrlimit(2), in the order
 * of RLIMIT_*. */

#include "criu-dump/task_ops.h"
#include "kernel/limits.h"

extern const struct task_dump_ops rlimit_dump_ops;

static int rlimit_task(struct dump *d, struct dump_task *t, struct img_err *err)
{
	TaskRlimitsEntry *e = img_arena_message(&t->arena, TaskRlimitsEntry, task_rlimits_entry);
	struct rlimit64 limits[RLIM_NLIMITS];

	if (kern_limits_read(t->pid, limits, err) < 0)
		return -1;
	if (e)
		e->rlimits = img_arena_array(&t->arena, RLIM_NLIMITS, sizeof(*e->rlimits));
	if (!e || !e->rlimits)
		return img_fail_nomem(err);
	for (size_t i = 0; i < RLIM_NLIMITS; i++) {
		RlimitEntry *one = img_arena_message(&t->arena, RlimitEntry, rlimit_entry);

		if (!one)
			return img_fail_nomem(err);
		one->cur = limits[i].rlim_cur; /* RLIM_INFINITY is all ones */
		one->max = limits[i].rlim_max;
		e->rlimits[e->n_rlimits++] = one;
	}
	t->threads[0].core->tc->rlimits = e;
	return 0;
}

const struct task_dump_ops rlimit_dump_ops = {
	.name = "rlimit",
	.task = rlimit_task,
};
