/* parasite/arch/x86_64/sigframe.h -- the frame that rt_sigreturn(2) takes a thread's whole state from.
 *
 * At the call, the stack pointer is 8 above the start of the frame (the return address has been popped).
 * Facts: arch/x86/include/asm/sigframe.h, arch/x86/include/uapi/asm/sigcontext.h,
 * arch/x86/kernel/signal_64.c.
 */
#ifndef PARASITE_ARCH_X86_64_SIGFRAME_H
#define PARASITE_ARCH_X86_64_SIGFRAME_H

#include <stdint.h>

#include "parasite/arch/x86_64/xsave.h"

struct sigframe_context {
	uint64_t r8, r9, r10, r11, r12, r13, r14, r15;
	uint64_t di, si, bp, bx, dx, ax, cx, sp, ip;
	uint64_t flags;
	/* ss counts when SIGFRAME_UC_SIGCONTEXT_SS is set; gs and fs are not restored */
	uint16_t cs, gs, fs, ss;
	uint64_t err, trapno, oldmask, cr2;
	uint64_t fpstate; /* address of a struct xsave_area, aligned to 64; 0: initial state */
	uint64_t reserved1[8];
};

struct sigframe_stack {
	uint64_t sp;
	int32_t flags;
	int32_t pad;
	uint64_t size;
};

enum sigframe_uc_flags {
	SIGFRAME_UC_FP_XSTATE = 1,
	SIGFRAME_UC_SIGCONTEXT_SS = 2,
	SIGFRAME_UC_STRICT_RESTORE_SS = 4,
};

struct sigframe_ucontext {
	uint64_t flags; /* enum sigframe_uc_flags */
	uint64_t link;
	struct sigframe_stack stack; /* sigaltstack(2) of the thread: restored as well */
	struct sigframe_context mcontext;
	uint64_t sigmask;
};

struct sigframe {
	uint64_t pretcode;
	struct sigframe_ucontext uc;
	uint8_t siginfo[128];
};

_Static_assert(sizeof(struct sigframe_context) == 256, "fixed by the kernel");
_Static_assert(sizeof(struct sigframe_ucontext) == 16 + 24 + 256 + 8, "fixed by the kernel");

#endif
