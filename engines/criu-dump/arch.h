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

#endif
