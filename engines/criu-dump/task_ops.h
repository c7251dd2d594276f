/* criu-dump/task_ops.h -- a room of task/ or mem/, the dump half: what of a task it knows, and when it is
 * called.
 *
 * rooms.c lists the rooms; steps.c says when each hook is called. Every hook may be NULL. None is called
 * for a zombie. Each returns 0 or fails with -1; "pid N: " is put in front by the caller.
 */
#ifndef CRIU_DUMP_TASK_OPS_H
#define CRIU_DUMP_TASK_OPS_H

#include "criu-dump/dump.h"
#include "parasite/host/inject.h"

struct task_dump_ops {
	const char *name; /* the room's word: "signal" */

	/* 1. Name what cannot be dumped, with dump_block(). Looks at /proc and takes descriptors
	 * (pidfd_getfd) only: under --dry-run the task is not stopped, and things may change while they
	 * are looked at. The task's maps are there already. Fails only when it cannot look. */
	int (*check)(struct dump *d, struct dump_task *t, struct img_err *err);

	/* 2. Add system calls for the task to make (in its leader), with places for their results:
	 * parasite/host/inject.h. They have been made, and the results are there, when `task` is called.
	 * ask_thread is the same for each thread, the leader included: those calls are made by that
	 * thread. */
	int (*ask)(struct dump *d, struct dump_task *t, struct inject_batch *b, struct img_err *err);
	int (*ask_thread)(
		struct dump *d, struct dump_thread *th, struct inject_batch *b, struct img_err *err);

	/* 3. Fill the task's part of its records (t->threads[0].core->tc) and write images of the room's
	 * own; then the part of each thread (th->core). What records point to lives in t->arena. The tasks
	 * come in tree order. */
	int (*task)(struct dump *d, struct dump_task *t, struct img_err *err);
	int (*thread)(struct dump *d, struct dump_thread *th, struct img_err *err);

	/* 4. Once, after `task` was called for all: images about the whole tree. Small images are all
	 * written when this has been called for every room. */
	int (*tree)(struct dump *d, struct img_err *err);

	/* 5. The bulk: memory of a task, then (once) what is shared. */
	int (*pages)(struct dump *d, struct dump_task *t, struct img_err *err);
	int (*tree_pages)(struct dump *d, struct img_err *err);

	/* With --snapshot into an archive, which takes page data last: see that tree_pages finds it all as it is now when the tasks run
	 * again. */
	int (*tree_keep)(struct dump *d, struct img_err *err);

	/* With --snapshot: what `task` has left for later, when the tasks run again and dump_mem.copy has their memory as it was. */
	int (*late)(struct dump *d, struct dump_task *t, struct img_err *err);

	/* In place of `check` to `tree`, in a pre-dump: it is about memory alone, the maps are there without flags, and `pages` is called
	 * when the tasks run again. */
	int (*pre)(struct dump *d, struct dump_task *t, struct img_err *err);
};

/* rooms.c: the rooms, in the order in which their hooks are called; NULL at the end. */
extern const struct task_dump_ops *const dump_task_rooms[];

#endif
