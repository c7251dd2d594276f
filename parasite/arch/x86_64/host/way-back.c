/* parasite/arch/x86_64/host/way-back.c -- frames for rt_sigreturn(2) on x86-64. */

#include <elf.h>
#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "criuimg/array.h"
#include "criuimg/cleanup.h"
#include "kernel/ptrace.h"
#include "parasite/arch/way-back.h"
#include "parasite/arch/x86_64/sigframe.h"

#ifndef NT_X86_SHSTK /* Linux 6.6 */
#define NT_X86_SHSTK 0x204
#endif

enum {
	RED_ZONE = 128,
	FRAME_ALIGN = 64, /* that of the extended state */
	XSTATE_ROOM = 65536,
	NO_STACK_FLAGS = 0x77, /* makes sigaltstack(2) refuse it, so that it stays as it is */
};

static long find(const uint8_t *text, size_t len, const void *what, size_t size)
{
	const uint8_t *at = memmem(text, len, what, size);

	return at ? at - text : -1;
}

long arch_find_call_and_return(const uint8_t *text, size_t len)
{
	static const uint8_t code[] = { 0x0f, 0x05, 0xc3 };

	return find(text, len, code, sizeof(code));
}

/* mov $15, %rax or %eax; syscall */
long arch_find_sigreturn(const uint8_t *text, size_t len)
{
	static const uint8_t wide[] = { 0x48, 0xc7, 0xc0, 0x0f, 0, 0, 0, 0x0f, 0x05 };
	static const uint8_t narrow[] = { 0xb8, 0x0f, 0, 0, 0, 0x0f, 0x05 };
	long at = find(text, len, wide, sizeof(wide));

	return at >= 0 ? at : find(text, len, narrow, sizeof(narrow));
}

/* What the call returns to, when it is one that the kernel wants to have made again. */
static void restart(struct arch_regs *regs)
{
	struct arch_regs again = *regs;

	arch_regs_restart(&again);
	if (again.ip == regs->ip && (int64_t)again.ax == -EINTR && (int64_t)regs->ax != -EINTR) {
		again.ax = regs->orig_ax;
		again.ip -= 2; /* the system call instruction */
	}
	*regs = again;
}

static void fill_context(struct sigframe_context *c, const struct arch_regs *r)
{
	*c = (struct sigframe_context){
		.r8 = r->r8, .r9 = r->r9, .r10 = r->r10, .r11 = r->r11, .r12 = r->r12, .r13 = r->r13, .r14 = r->r14,
		.r15 = r->r15, .di = r->di, .si = r->si, .bp = r->bp, .bx = r->bx, .dx = r->dx, .ax = r->ax, .cx = r->cx,
		.sp = r->sp, .ip = r->ip, .flags = r->flags, .cs = r->cs, .ss = r->ss,
	};
}

/* The state as a signal frame has it: words that say what it is, in its unused bytes and behind it. Components of the CPU that the
 * kernel gives on request (AMX) are in it only when this thread has them in use. Returns its size, less the word behind. */
static size_t finish_state(struct xsave_area *state, size_t got)
{
	struct xsave_sw *sw = (struct xsave_sw *)state->legacy.sw_reserved;
	const uint32_t magic2 = XSAVE_SW_MAGIC2;
	struct xsave_layout layout;
	uint64_t features;
	size_t size = sizeof(*state);

	xsave_layout(&layout);
	features = layout.xcr0 & ~(1ull << XSAVE_XTILE_CFG | 1ull << XSAVE_XTILE_DATA);
	features |= state->header.xstate_bv;
	for (int i = XSAVE_YMM; i < XSAVE_COMPONENTS; i++) {
		size_t end = layout.component[i].offset + layout.component[i].size;

		if (features & 1ull << i && end > size && end <= got)
			size = end;
	}
	*sw = (struct xsave_sw){
		.magic1 = XSAVE_SW_MAGIC1,
		.extended_size = size + sizeof(magic2),
		.xfeatures = features,
		.xstate_size = size,
	};
	memcpy((uint8_t *)state + size, &magic2, sizeof(magic2));
	return size;
}

int arch_frame_make(pid_t tid, const struct arch_regs *regs, uint64_t sigmask, uint64_t sigreturn,
	struct arch_frame *frame, struct img_err *err)
{
	const size_t state_at = (sizeof(struct sigframe) + FRAME_ALIGN - 1) & ~(size_t)(FRAME_ALIGN - 1);
	cleanup_free uint8_t *bytes = calloc(1, state_at + XSTATE_ROOM);
	struct sigframe *f = (struct sigframe *)bytes;
	struct arch_regs back = *regs;
	uint64_t shadow;
	ssize_t got;

	if (!bytes)
		return img_fail_nomem(err);
	/* What 32-bit code returns to is 32-bit code. */
	if (!arch_regs_native(regs))
		return 0;
	/* It would have to hold the address that is returned to. */
	if (kern_ptrace_get_regset(tid, NT_X86_SHSTK, &shadow, sizeof(shadow), NULL) > 0)
		return 0;
	got = kern_ptrace_get_regset(tid, NT_X86_XSTATE, bytes + state_at, XSTATE_ROOM - FRAME_ALIGN, err);
	if (got < 0)
		return -1;
	if ((size_t)got < sizeof(struct xsave_area))
		return 0; /* a CPU without XSAVE */
	frame->size = state_at + finish_state((struct xsave_area *)(bytes + state_at), got) + sizeof(uint32_t);
	frame->at = (arch_regs_sp(regs) - RED_ZONE - frame->size) & ~(uint64_t)(FRAME_ALIGN - 1);

	frame->spare = frame->at + offsetof(struct sigframe, siginfo);

	restart(&back);
	f->pretcode = sigreturn;
	f->uc.flags = SIGFRAME_UC_FP_XSTATE | SIGFRAME_UC_SIGCONTEXT_SS | SIGFRAME_UC_STRICT_RESTORE_SS;
	f->uc.stack.flags = NO_STACK_FLAGS;
	fill_context(&f->uc.mcontext, &back);
	f->uc.mcontext.fpstate = frame->at + state_at;
	f->uc.sigmask = sigmask;
	frame->bytes = steal_ptr(&bytes);
	return 1;
}
