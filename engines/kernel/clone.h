/* kernel/clone.h -- clone3(2): a process with a chosen pid. */
#ifndef ENGINES_KERNEL_CLONE_H
#define ENGINES_KERNEL_CLONE_H

#include <stdint.h>
#include <sys/types.h>

/* A copy of the caller, with pid `pid` in the caller's own pid namespace (0: any). flags: CLONE_* of
 * clone3(2), without CLONE_VM; its parent gets exit_signal when it ends (0: nothing), or, with CLONE_PARENT, what
 * it gets for the caller. Returns as fork(2) does: -1 with errno
 * (EEXIST: the pid is taken; EPERM: no CAP_CHECKPOINT_RESTORE). The libc is not told: its fork handlers don't
 * run. */
pid_t kern_clone(uint64_t flags, pid_t pid, int exit_signal);

#endif
