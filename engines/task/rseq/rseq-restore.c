/* engines/task/rseq/rseq-restore.c -- how criu-restore registers a thread's restartable sequences
 * (rseq(2)). */

#include <stddef.h>
#include <linux/rseq.h>
#include <sys/syscall.h>

#include "criu-restore/task_ops.h"
#include "kernel/ptrace.h"

/* In the thread, when its memory stands: the kernel writes there from then on. */
static int rseq_thread(struct restore *r, struct restore_task *t, struct restore_thread *th,
	struct restore_tape *tape, struct img_err *err)
{
	const RseqEntry *e = th->core->thread_core->rseq_entry;

	if (e && e->rseq_abi_pointer)
		tape_step(tape, TAPE_THREAD, "register rseq", SYS_rseq, e->rseq_abi_pointer, e->rseq_abi_size,
			0, e->signature);
	return 0;
}

/* A thread that was inside a sequence: while it played its tape the kernel found it outside and cleared the
 * pointer. */
static int rseq_resume(
	struct restore *r, struct restore_task *t, struct restore_thread *th, struct img_err *err)
{
	const RseqEntry *e = th->core->thread_core->rseq_entry;
	uint64_t cs;

	if (!e || !e->rseq_abi_pointer || !e->has_rseq_cs_pointer || !e->rseq_cs_pointer)
		return 0;
	cs = e->rseq_cs_pointer;
	return kern_vm_write(
		th->here, e->rseq_abi_pointer + offsetof(struct rseq, rseq_cs), &cs, sizeof(cs), err);
}

extern const struct task_restore_ops rseq_restore_ops;

const struct task_restore_ops rseq_restore_ops = {
	.name = "rseq",
	.thread = rseq_thread,
	.resume = rseq_resume,
};
