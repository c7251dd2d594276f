/* engines/criu-restore/arch.h -- what differs between architectures in a restore: <arch>-restore.c in the rooms. */
#ifndef CRIU_RESTORE_ARCH_H
#define CRIU_RESTORE_ARCH_H

#include "criu-restore/restore.h"
#include "criu-restore/tape.h"

/* ---- engines/task/regs/ ---- */

/* Can this host's CPU hold what the thread's registers say? */
int restore_arch_check(struct restore *r, struct restore_thread *th, struct img_err *err);
/* What the thread has to do itself. */
void restore_arch_tape(struct restore_thread *th, struct restore_tape *tape);
/* The thread is stopped by ptrace: all registers. */
int restore_arch_regs(struct restore *r, struct restore_thread *th, struct img_err *err);

/* ---- engines/mem/vdso/ ---- */

#define ARCH_CODE_MAX 32 /* bytes that any of these writes */

/* Where the thread goes on. */
uint64_t restore_arch_ip(const CoreEntry *core);
/* Code that is to lie at `at`: a jump to `to`, with all arguments as they are. Its length. */
size_t restore_arch_jump_code(unsigned char *code, uint64_t at, uint64_t to);
/* A function that makes a system call with its arguments and returns what the kernel does. */
size_t restore_arch_call_code(unsigned char *code, uint32_t nr);

#endif
