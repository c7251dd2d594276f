/* parasite/arch/thread.h -- general registers of a stopped thread, by ptrace: in one form for all kinds of code that it may run. */
#ifndef PARASITE_ARCH_THREAD_H
#define PARASITE_ARCH_THREAD_H

#include <sys/types.h>

#include "criuimg/err.h"
#include "parasite/arch/regs.h"

int arch_thread_get(pid_t tid, struct arch_regs *regs, struct img_err *err);
int arch_thread_set(pid_t tid, const struct arch_regs *regs, struct img_err *err);

#endif
