/* parasite/arch/x86_64/regs.h -- general registers as PTRACE_GETREGSET(NT_PRSTATUS) gives them. */
#ifndef PARASITE_ARCH_X86_64_REGS_H
#define PARASITE_ARCH_X86_64_REGS_H

#include <stdint.h>

/* struct user_regs_struct of <sys/user.h>, which freestanding code cannot include. */
struct arch_regs {
	uint64_t r15, r14, r13, r12, bp, bx, r11, r10, r9, r8, ax, cx, dx, si, di, orig_ax;
	uint64_t ip, cs, flags, sp, ss, fs_base, gs_base, ds, es, fs, gs;
};

#endif
