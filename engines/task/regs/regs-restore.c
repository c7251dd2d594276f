/* engines/task/regs/regs-restore.c -- how criu-restore gives a thread its registers: thread_info.
 *
 * From outside, by ptrace, when the thread has left its blob for good. What they are is the architecture's:
 * <arch>-restore.c.
 */

#include <sys/syscall.h>

#include "criu-restore/arch.h"
#include "criu-restore/task_ops.h"

static int regs_plan(struct restore *r, struct restore_task *t, struct img_err *err)
{
	for (size_t i = 0; i < t->nr_threads; i++)
		if (restore_arch_check(r, &t->threads[i], err) < 0)
			return img_wrap(err, "thread %d", t->threads[i].tid);
	return 0;
}

static int regs_thread(struct restore *r, struct restore_task *t, struct restore_thread *th,
	struct restore_tape *tape, struct img_err *err)
{
	tape_step(tape, TAPE_THREAD, "set_tid_address", SYS_set_tid_address,
		th->core->thread_info->clear_tid_addr);
	restore_arch_tape(th, tape);
	return 0;
}

static int regs_resume(
	struct restore *r, struct restore_task *t, struct restore_thread *th, struct img_err *err)
{
	return restore_arch_regs(r, th, err);
}

extern const struct task_restore_ops regs_restore_ops;

const struct task_restore_ops regs_restore_ops = {
	.name = "regs",
	.plan = regs_plan,
	.thread = regs_thread,
	.resume = regs_resume,
};
