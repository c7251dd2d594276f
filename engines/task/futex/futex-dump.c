/* engines/task/futex/futex-dump.c -- what criu-dump saves of a thread's futexes: its robust list
 * (get_robust_list(2)). */

#include <errno.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "criu-dump/task_ops.h"
#include "parasite/nolibc/syscall.h"

extern const struct task_dump_ops futex_dump_ops;

/* What 32-bit code has set is told to 32-bit code alone. */
static int compat_list(pid_t tid, ThreadCoreEntry *tc, struct img_err *err)
{
	uint32_t *low = mmap(NULL, sysconf(_SC_PAGESIZE), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);
	long ret;

	if (low == MAP_FAILED)
		return img_fail_nomem(err);
	ret = nolibc_syscall_compat(COMPAT_GET_ROBUST_LIST, tid, (uintptr_t)&low[0], (uintptr_t)&low[1], 0);
	tc->futex_rla = low[0];
	tc->futex_rla_len = low[1];
	munmap(low, sysconf(_SC_PAGESIZE));
	errno = -ret;
	return ret < 0 ? img_fail_sys(err, "get_robust_list of 32-bit code") : 0;
}

static int futex_thread(struct dump *d, struct dump_thread *th, struct img_err *err)
{
	ThreadCoreEntry *tc = th->core->thread_core;
	void *head = NULL;
	size_t len = 0;

	if (th->task->compat)
		return compat_list(th->tid, tc, err);
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
