/* engines/task/rseq/rseq-dump.c -- what criu-dump saves of restartable sequences: where a thread has
 * registered its struct rseq.
 *
 * A thread found inside of a sequence has been moved to its abort handler when it was stopped (freeze.c),
 * so no sequence is going on when it is restored.
 */

#include "criu-dump/task_ops.h"

extern const struct task_dump_ops rseq_dump_ops;

static int rseq_thread(struct dump *d, struct dump_thread *th, struct img_err *err)
{
	RseqEntry *e;

	if (!th->rseq_addr)
		return 0;
	e = img_arena_message(&th->task->arena, RseqEntry, rseq_entry);
	if (!e)
		return img_fail_nomem(err);
	e->rseq_abi_pointer = th->rseq_addr;
	e->rseq_abi_size = th->rseq_size;
	e->signature = th->rseq_sig;
	th->core->thread_core->rseq_entry = e;
	return 0;
}

const struct task_dump_ops rseq_dump_ops = {
	.name = "rseq",
	.thread = rseq_thread,
};
