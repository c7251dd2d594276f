/* engines/criu-restore/arch.h -- what differs between architectures in a restore:
 * engines/task/regs/<arch>-restore.c. */
#ifndef CRIU_RESTORE_ARCH_H
#define CRIU_RESTORE_ARCH_H

#include "criu-restore/restore.h"
#include "criu-restore/tape.h"

/* Can this host's CPU hold what the thread's registers say? */
int restore_arch_check(struct restore *r, struct restore_thread *th, struct img_err *err);
/* What the thread has to do itself. */
void restore_arch_tape(struct restore_thread *th, struct restore_tape *tape);
/* The thread is stopped by ptrace: all registers. */
int restore_arch_regs(struct restore *r, struct restore_thread *th, struct img_err *err);

#endif
