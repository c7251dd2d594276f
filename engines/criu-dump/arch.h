/* criu-dump/arch.h -- what the room `regs` has for each architecture: engines/task/regs/<arch>-dump.c. */
#ifndef CRIU_DUMP_ARCH_H
#define CRIU_DUMP_ARCH_H

#include "criu-dump/dump.h"

/* The architecture's part of th->core, from th->regs and from what ptrace tells besides. clear_tid:
 * set_tid_address(2). */
int dump_arch_regs(struct dump_thread *th, uint64_t clear_tid, struct img_err *err);
/* What of a thread's registers is not supported yet: dump_block(). th->regs is only there when the tree is
 * stopped. */
int dump_arch_check(struct dump *d, struct dump_thread *th, struct img_err *err);

/* What the CPU does and refuses for the thread (<arch>-modes-dump.c): what it was asked itself. */
struct dump_arch_asked {
	long tsc_ret, cpuid, perm_ret, ldt;
	int tsc;
	uint64_t perm, ldt_entry;
};

int dump_arch_check_modes(struct dump *d, struct dump_thread *th, struct img_err *err);
void dump_arch_ask(struct dump_thread *th, struct dump_arch_asked *a, struct inject_batch *b);
/* After dump_arch_regs(). */
int dump_arch_modes(struct dump_thread *th, const struct dump_arch_asked *a, struct img_err *err);

#endif
