/* engines/criu-restore/steps.c -- THE ORDER of a restore.
 *
 * One row for each thing that is done, in the order it is done within its moment (restore.h says when the moments are). What
 * the blob does has an order of its own: enum tape_phase in tape.h.
 */

#include "criu-restore/steps.h"
#include "criu-restore/task_ops.h"
#include "criuimg/array.h"

static int rooms_plan(struct restore *r, struct img_err *err)
{
	for (size_t i = 0; i < r->nr_tasks; i++) {
		struct restore_task *t = &r->tasks[i];

		for (size_t k = 0; restore_task_lives(t) && k < restore_nr_task_rooms; k++) {
			const struct task_restore_ops *room = restore_task_rooms[k];

			if (room->plan && room->plan(r, t, err) < 0)
				return img_wrap(err, "pid %d: %s", t->pid, room->name);
		}
	}
	return 0;
}

static int rooms_task(struct restore *r, struct restore_task *t, struct img_err *err)
{
	for (size_t k = 0; k < restore_nr_task_rooms; k++) {
		const struct task_restore_ops *room = restore_task_rooms[k];

		if (room->task && room->task(r, t, err) < 0)
			return img_wrap(err, "%s", room->name);
	}
	return 0;
}

static const struct restore_step steps[] = {
	{ MOMENT_PLAN, "task", .whole = rooms_plan, .why = "cheap checks first" },
	/* "fd: plan" and "mem: plan" come here. */

	/* "mem: shared segments" and the like, if they are made by the front. */

	/* { MOMENT_BEFORE_FORK, "mem: premap", .task = ..., "children share these pages copy-on-write" }, */

	/* { MOMENT_AFTER_FORK, "fd: open", .task = ..., "before mem: what it opens must not take a number of the image" }, */
	/* { MOMENT_AFTER_FORK, "mem: rest", .task = ..., "opens mapped files, fills blob_vma" }, */
	{ MOMENT_AFTER_FORK, "task", .task = rooms_task, .why = "umask, oom score: nothing after it makes files" },
	/* { MOMENT_AFTER_FORK, "fs: cwd and root", .task = ..., "last: paths of ours are not found afterwards" }, */

	/* { MOMENT_UNDO, "fd: undo", .whole = ..., "files that only the new tree needed" }, */
};

int restore_steps_whole(struct restore *r, enum restore_moment moment, struct img_err *err)
{
	for (size_t i = 0; i < ARRAY_SIZE(steps); i++)
		if (steps[i].moment == moment && steps[i].whole && steps[i].whole(r, err) < 0)
			return -1;
	return 0;
}

int restore_steps_task(struct restore *r, enum restore_moment moment, struct restore_task *t, struct img_err *err)
{
	for (size_t i = 0; i < ARRAY_SIZE(steps); i++)
		if (steps[i].moment == moment && steps[i].task && steps[i].task(r, t, err) < 0)
			return -1;
	return 0;
}
