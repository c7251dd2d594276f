/* kernel/clone.c -- clone3(2): a process with a chosen pid. */

#include <linux/sched.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "kernel/clone.h"

pid_t kern_clone(uint64_t flags, pid_t pid, int exit_signal)
{
	struct clone_args args = {
		.flags = flags,
		/* With CLONE_PARENT the parent's parent is told as it was to be told of its own child: none
		 * may be named. */
		.exit_signal = flags & CLONE_PARENT ? 0 : exit_signal,
		.set_tid = pid ? (uintptr_t)&pid : 0,
		.set_tid_size = pid ? 1 : 0,
	};

	return syscall(SYS_clone3, &args, sizeof(args));
}
