/* engines/task/futex/futex-restore.c -- how criu-restore registers a thread's robust list
 * (set_robust_list(2)). */

#include <sys/syscall.h>

#include "criu-restore/task_ops.h"
#include "parasite/nolibc/syscall.h"

static int futex_thread(struct restore *r, struct restore_task *t, struct restore_thread *th,
	struct restore_tape *tape, struct img_err *err)
{
	const ThreadCoreEntry *tc = th->core->thread_core;

	/* A length of 0 is of a thread that never had one: what a new thread has too, and the kernel takes no
	 * such length. */
	if (tc->futex_rla_len && restore_compat(t))
		tape_step(tape, TAPE_THREAD, "set robust list of 32-bit code", BLOB_COMPAT, COMPAT_SET_ROBUST_LIST, tc->futex_rla,
			tc->futex_rla_len);
	else if (tc->futex_rla_len)
		tape_step(tape, TAPE_THREAD, "set robust list", SYS_set_robust_list, tc->futex_rla,
			tc->futex_rla_len);
	return 0;
}

extern const struct task_restore_ops futex_restore_ops;

const struct task_restore_ops futex_restore_ops = {
	.name = "futex",
	.thread = futex_thread,
};
