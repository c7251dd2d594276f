/* parasite/arch/x86_64/host/thread.c -- general registers of a stopped thread, whichever code it runs.
 *
 * Of a thread in 32-bit code the kernel shows, and takes, registers of 32 bits: in a layout of its own, without the bases of segments. Which
 * of the two it is goes by the code segment that the thread has at that moment (arch/x86/kernel/ptrace.c), so one that is made to run
 * 64-bit code for a while changes over with the first register that is set: CS.
 */

#include <asm/prctl.h>
#include <elf.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "kernel/ptrace.h"
#include "parasite/arch/thread.h"

#ifndef PTRACE_ARCH_PRCTL
#define PTRACE_ARCH_PRCTL 30 /* arch/x86/include/uapi/asm/ptrace-abi.h */
#endif

/* struct user_regs_struct32 of arch/x86/include/asm/user_32.h. */
struct regs32 {
	uint32_t bx, cx, dx, si, di, bp, ax, ds, es, fs, gs, orig_ax, ip, cs, flags, sp, ss;
};

union any_regs {
	struct arch_regs wide;
	struct regs32 narrow;
};

static uint64_t extended(uint32_t value)
{
	return (uint64_t)(int64_t)(int32_t)value;
}

static struct arch_regs widen(const struct regs32 *n)
{
	return (struct arch_regs){
		.bx = n->bx, .cx = n->cx, .dx = n->dx, .si = n->si, .di = n->di, .bp = n->bp, .ds = n->ds, .es = n->es, .fs = n->fs,
		.gs = n->gs, .ip = n->ip, .cs = n->cs, .flags = n->flags, .sp = n->sp, .ss = n->ss,
		/* A result, perhaps an error number; a call's number, or -1. */
		.ax = extended(n->ax), .orig_ax = extended(n->orig_ax),
	};
}

static struct regs32 narrowed(const struct arch_regs *w)
{
	return (struct regs32){
		.bx = w->bx, .cx = w->cx, .dx = w->dx, .si = w->si, .di = w->di, .bp = w->bp, .ax = w->ax, .ds = w->ds, .es = w->es,
		.fs = w->fs, .gs = w->gs, .orig_ax = w->orig_ax, .ip = w->ip, .cs = w->cs, .flags = w->flags, .sp = w->sp, .ss = w->ss,
	};
}

static int get_base(pid_t tid, int which, uint64_t *base, struct img_err *err)
{
	if (syscall(SYS_ptrace, PTRACE_ARCH_PRCTL, tid, base, which) < 0)
		return img_fail_sys(err, "thread %d: base of a segment", tid);
	return 0;
}

/* 1: as 32-bit code has them, 0, -1 */
static int get_any(pid_t tid, union any_regs *regs, struct img_err *err)
{
	ssize_t got = kern_ptrace_get_regset(tid, NT_PRSTATUS, regs, sizeof(*regs), err);

	if (got < 0)
		return -1;
	if (got != sizeof(regs->wide) && got != sizeof(regs->narrow))
		return img_fail(err, IMG_UNSUPPORTED, "thread %d has registers of %zd bytes", tid, got);
	return got == sizeof(regs->narrow);
}

int arch_thread_get(pid_t tid, struct arch_regs *regs, struct img_err *err)
{
	union any_regs any;
	int narrow = get_any(tid, &any, err);

	if (narrow < 0)
		return -1;
	*regs = narrow ? widen(&any.narrow) : any.wide;
	if (!narrow)
		return 0;
	return get_base(tid, ARCH_GET_FS, &regs->fs_base, err) < 0 ? -1 : get_base(tid, ARCH_GET_GS, &regs->gs_base, err);
}

int arch_thread_set(pid_t tid, const struct arch_regs *regs, struct img_err *err)
{
	union any_regs now;
	int narrow = get_any(tid, &now, err);

	if (narrow < 0)
		return -1;
	if (narrow) {
		struct regs32 n = narrowed(regs);

		if (kern_ptrace_set_regset(tid, NT_PRSTATUS, &n, sizeof(n), err) < 0)
			return -1;
		if (!arch_regs_native(regs))
			return 0;
	}
	return kern_ptrace_set_regset(tid, NT_PRSTATUS, regs, sizeof(*regs), err);
}
