/* engines/task/mempolicy/mempolicy-restore.c -- where a thread gets its memory from: set_mempolicy(2) as it was. */

#include <sys/syscall.h>

#include "criu-restore/task_ops.h"

enum {
	NODE_WORDS = 1024 / 64,
};

static int mempolicy_plan(struct restore *r, struct restore_task *t, struct img_err *err)
{
	for (size_t i = 0; i < t->nr_threads; i++)
		if (t->threads[i].core->thread_core->n_mempolicy_nodes > NODE_WORDS)
			return img_fail(err, IMG_UNSUPPORTED, "thread %d: more nodes of memory than there can be", t->threads[i].tid);
	return 0;
}

/* The kernel takes the mask of a node that this host has not: then it fails, and says so. */
static int mempolicy_thread(struct restore *r, struct restore_task *t, struct restore_thread *th, struct restore_tape *tape,
	struct img_err *err)
{
	const ThreadCoreEntry *tc = th->core->thread_core;
	size_t size = tc->n_mempolicy_nodes * sizeof(uint64_t);
	uint64_t nodes = 0;

	if (!tc->has_mempolicy)
		return 0;
	if (size)
		nodes = tape_data(tape, tc->mempolicy_nodes, size);
	/* The kernel leaves the last bit out of account. */
	tape_step(tape, TAPE_THREAD, "set memory policy", SYS_set_mempolicy, (int32_t)tc->mempolicy, nodes, size ? size * 8 + 1 : 0);
	return 0;
}

extern const struct task_restore_ops mempolicy_restore_ops;

const struct task_restore_ops mempolicy_restore_ops = {
	.name = "mempolicy",
	.plan = mempolicy_plan,
	.thread = mempolicy_thread,
};
