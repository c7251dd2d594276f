/* parasite/arch/regs.h -- the registers of a thread, and how a system call is made with them.
 *
 * One folder for each architecture, with the same file names and the same functions in each.
 */
#ifndef PARASITE_ARCH_REGS_H
#define PARASITE_ARCH_REGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#if defined(__x86_64__)
#include "parasite/arch/x86_64/regs.h"
#else
#error "no parasite/arch folder for this architecture"
#endif

/* Make the thread execute the system call instruction at addr. */
void arch_regs_call(struct arch_regs *regs, uint64_t addr, int64_t nr, const uint64_t args[6]);
/* The same for a call of 32-bit code, whose instruction 64-bit code can execute, too: arch_compat_call() says its number. */
void arch_regs_call_compat(struct arch_regs *regs, uint64_t addr, int64_t nr, const uint64_t args[6]);
/* The number that 32-bit code knows a call by that takes the same arguments; -1: none that we need. */
int64_t arch_compat_nr(int64_t nr);
/* What the call that has just returned gave. */
int64_t arch_regs_result(const struct arch_regs *regs);

/* What a thread was doing, from its registers at a stop. */
bool arch_regs_native(const struct arch_regs *regs); /* not 32-bit code */
bool arch_regs_in_syscall(
	const struct arch_regs *regs); /* stopped on the way out of a call that was interrupted */
/* Do what the kernel would on the way back to user mode: an interrupted call is made again, or returns
 * -EINTR where only the kernel could resume it. What an image says. */
void arch_regs_restart(struct arch_regs *regs);

/* The same for a thread that goes on in this kernel: a call that only the kernel can resume is resumed. */
void arch_regs_resume(struct arch_regs *regs);
/* Make the thread go on at addr, in 64-bit code, with nothing to restart. */
void arch_regs_jump(struct arch_regs *regs, uint64_t addr);

uint64_t arch_regs_ip(const struct arch_regs *regs);
void arch_regs_set_ip(struct arch_regs *regs, uint64_t ip);
uint64_t arch_regs_sp(const struct arch_regs *regs);
void arch_regs_set_sp(struct arch_regs *regs, uint64_t sp);

/* The first system call instruction in these bytes: its offset, or -1. */
long arch_find_syscall(const uint8_t *text, size_t len);
/* The same of 32-bit code. */
long arch_find_syscall_compat(const uint8_t *text, size_t len);

#endif
