/* engines/task/mempolicy/mempolicy-dump.c -- what criu-dump saves of where a thread gets its memory from: set_mempolicy(2). */

#include <linux/mempolicy.h>
#include <sys/syscall.h>

#include "criu-dump/task_ops.h"

extern const struct task_dump_ops mempolicy_dump_ops;

enum {
	NODE_WORDS = 1024 / 64, /* as many nodes as the kernel can be built for: MAX_NUMNODES */
};

struct policy {
	long ret;
	int mode; /* MPOL_* and MPOL_F_* */
	uint64_t nodes[NODE_WORDS];
};

static int mempolicy_ask_thread(struct dump *d, struct dump_thread *th, struct inject_batch *b, struct img_err *err)
{
	struct policy *p = dump_keep_thread(d, th, &mempolicy_dump_ops, sizeof(*p));

	if (!p)
		return img_fail_nomem(err);
	inject_call(b, &p->ret, SYS_get_mempolicy, inj_out(&p->mode, sizeof(p->mode)), inj_out(p->nodes, sizeof(p->nodes)),
		inj_val(sizeof(p->nodes) * 8), inj_val(0), inj_val(0));
	return 0;
}

/* A failure means a kernel that has no policies. */
static int mempolicy_thread(struct dump *d, struct dump_thread *th, struct img_err *err)
{
	const struct policy *p = dump_keep_thread(d, th, &mempolicy_dump_ops, sizeof(*p));
	ThreadCoreEntry *tc = th->core->thread_core;
	size_t nr = NODE_WORDS;

	if (!p)
		return img_fail_nomem(err);
	if (p->ret < 0 || p->mode == MPOL_DEFAULT)
		return 0;
	while (nr && !p->nodes[nr - 1])
		nr--;
	tc->has_mempolicy = 1;
	tc->mempolicy = p->mode;
	tc->mempolicy_nodes = img_arena_memdup(&th->task->arena, p->nodes, sizeof(p->nodes));
	if (!tc->mempolicy_nodes)
		return img_fail_nomem(err);
	tc->n_mempolicy_nodes = nr;
	return 0;
}

const struct task_dump_ops mempolicy_dump_ops = {
	.name = "mempolicy",
	.ask_thread = mempolicy_ask_thread,
	.thread = mempolicy_thread,
};
