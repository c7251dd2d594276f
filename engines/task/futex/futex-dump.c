/* engines/task/futex/futex-dump.c -- what criu-dump saves of a thread's futexes: its robust list
 * (get_robust_list(2)). */

#include <sys/syscall.h>
#include <unistd.h>

#include "criu-dump/task_ops.h"

extern const struct task_dump_ops futex_dump_ops;

static int futex_thread(struct dump *d, struct dump_thread *th, struct img_err *err)
{
	ThreadCoreEntry *tc = th->core->thread_core;
	void *head = NULL;
	size_t len = 0;

	if (syscall(SYS_get_robust_list, th->tid, &head, &len) < 0)
		return img_fail_sys(err, "get_robust_list");
	tc->futex_rla = (uintptr_t)head;
	tc->futex_rla_len = len;
	return 0;
}

const struct task_dump_ops futex_dump_ops = {
	.name = "futex",
	.thread = futex_thread,
};
