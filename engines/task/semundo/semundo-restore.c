/* engines/task/semundo/semundo-restore.c -- what the kernel is to do to semaphores when a process ends (semop(2), SEM_UNDO).
 *
 * An operation is made that is to be undone, and its opposite that is not, in one call: the value stays what it is. Which of the two can
 * come first depends on the value.
 */

#include <limits.h>
#include <sched.h>
#include <stdio.h>
#include <sys/ipc.h>
#include <sys/sem.h>
#include <sys/syscall.h>

#include "criu-restore/namespaces.h"
#include "criu-restore/task_ops.h"

static int semundo_plan(struct restore *r, struct restore_task *t, struct img_err *err)
{
	const TaskCoreEntry *tc = t->core->tc;

	if (tc->n_sem_undo && !restore_ns_new(r, CLONE_NEWIPC))
		return img_fail(err, IMG_CORRUPT, "semaphores of an IPC namespace that is not in the set");
	for (size_t i = 0; i < tc->n_sem_undo; i++) {
		const SemUndoEntry *e = tc->sem_undo[i];

		if (e->semid > INT_MAX || e->num > USHRT_MAX || e->adj < -SHRT_MAX || e->adj > SHRT_MAX || !e->adj)
			return img_fail(err, IMG_CORRUPT, "%d in semaphore %u of %u", e->adj, e->num, e->semid);
	}
	return 0;
}

static int semundo_tape(struct restore *r, struct restore_task *t, struct restore_tape *tape, struct img_err *err)
{
	const TaskCoreEntry *tc = t->core->tc;

	for (size_t i = 0; i < tc->n_sem_undo; i++) {
		const SemUndoEntry *e = tc->sem_undo[i];
		const struct sembuf undone = { (unsigned short)e->num, (short)-e->adj, SEM_UNDO | IPC_NOWAIT };
		const struct sembuf opposite = { (unsigned short)e->num, (short)e->adj, IPC_NOWAIT };
		const struct sembuf one[] = { undone, opposite }, other[] = { opposite, undone };
		struct blob_step *step;
		char what[96];

		snprintf(what, sizeof(what), "set what is undone in semaphore %u of %u", e->num, e->semid);
		step = tape_step(tape, TAPE_PENDING, what, SYS_semop, e->semid, tape_data(tape, one, sizeof(one)), 2);
		step->flags = BLOB_MAY_FAIL;
		step->skip = 1;
		tape_step(tape, TAPE_PENDING, what, SYS_semop, e->semid, tape_data(tape, other, sizeof(other)), 2);
	}
	return 0;
}

extern const struct task_restore_ops semundo_restore_ops;

const struct task_restore_ops semundo_restore_ops = {
	.name = "semundo",
	.plan = semundo_plan,
	.tape = semundo_tape,
};
