/* engines/criu-restore/task_ops.h -- what a room of engines/task/ gives the spine: its restore half.
 *
 * Every function may be NULL. They are called in the order of rooms.c at the moments that restore.h
 * describes; `tape` and `thread` only write calls down, and the phase given with each call (tape.h) decides
 * when it runs, not the order in rooms.c. Failures are returned; the spine puts "pid 12: <name>: " in front.
 */
#ifndef CRIU_RESTORE_TASK_OPS_H
#define CRIU_RESTORE_TASK_OPS_H

#include "criu-restore/restore.h"
#include "criu-restore/tape.h"

struct task_restore_ops {
	const char *name;
	/* Front: check the task's records; refuse (IMG_UNSUPPORTED, IMG_CORRUPT) what cannot be restored
	 * here. */
	int (*plan)(struct restore *r, struct restore_task *t, struct img_err *err);
	/* Task, the tree exists: what can be done with libc, before the address space changes. */
	int (*task)(struct restore *r, struct restore_task *t, struct img_err *err);
	/* Task: calls of the leader for the whole process. */
	int (*tape)(
		struct restore *r, struct restore_task *t, struct restore_tape *tape, struct img_err *err);
	/* Task: calls of each thread (the leader's included) for itself. */
	int (*thread)(struct restore *r, struct restore_task *t, struct restore_thread *th,
		struct restore_tape *tape, struct img_err *err);
	/* Front: the thread is stopped by ptrace, where it can still make calls from outside
	 * (restore_remote_call()). */
	int (*held)(
		struct restore *r, struct restore_task *t, struct restore_thread *th, struct img_err *err);
	/* Front: the same thread later, its address space is whole; for what only ptrace can set. */
	int (*resume)(
		struct restore *r, struct restore_task *t, struct restore_thread *th, struct img_err *err);
};

/* THE ROOMS of engines/task/ (rooms.c). */
extern const struct task_restore_ops *const restore_task_rooms[];
extern const size_t restore_nr_task_rooms;

#endif
