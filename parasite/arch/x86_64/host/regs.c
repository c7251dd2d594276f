/* parasite/arch/x86_64/host/regs.c -- what registers mean on x86-64. */

#include <errno.h>
#include <sys/syscall.h>

#include "parasite/arch/regs.h"

/* include/linux/errno.h: how an interrupted call asks to be restarted; not seen by user space but through
 * ptrace. */
enum {
	ERESTARTSYS = 512,
	ERESTARTNOINTR = 513,
	ERESTARTNOHAND = 514,
	ERESTART_RESTARTBLOCK = 516,
};

/* User code segments of arch/x86/include/asm/segment.h. */
enum {
	USER32_CS = 0x23,
	USER_CS = 0x33,
	USER_DS = 0x2b,
};

/* Numbers of arch/x86/entry/syscalls/syscall_32.tbl. */
enum {
	COMPAT_RESTART_SYSCALL = 0,
	COMPAT_MUNMAP = 91,
	COMPAT_MMAP2 = 192,
	COMPAT_PRLIMIT64 = 340,
};

enum {
	SYSCALL_INSN_LEN = 2,
};

void arch_regs_jump(struct arch_regs *regs, uint64_t addr)
{
	regs->ip = addr;
	regs->orig_ax = -1;
	if (!arch_regs_native(regs)) {
		regs->cs = USER_CS;
		regs->ss = USER_DS;
	}
	regs->flags &= ~0x500ull; /* neither single step nor the wrong direction */
}

void arch_regs_call(struct arch_regs *regs, uint64_t addr, int64_t nr, const uint64_t args[6])
{
	arch_regs_jump(regs, addr);
	regs->ax = nr;
	regs->di = args[0];
	regs->si = args[1];
	regs->dx = args[2];
	regs->r10 = args[3];
	regs->r8 = args[4];
	regs->r9 = args[5];
}

void arch_regs_call_compat(struct arch_regs *regs, uint64_t addr, int64_t nr, const uint64_t args[6])
{
	arch_regs_jump(regs, addr);
	regs->ax = nr;
	regs->bx = args[0];
	regs->cx = args[1];
	regs->dx = args[2];
	regs->si = args[3];
	regs->di = args[4];
	regs->bp = args[5];
}

int64_t arch_compat_nr(int64_t nr)
{
	switch (nr) {
	case SYS_mmap:
		return COMPAT_MMAP2; /* its last argument counts pages: ours is 0 */
	case SYS_munmap:
		return COMPAT_MUNMAP;
	case SYS_prlimit64:
		return COMPAT_PRLIMIT64;
	default:
		return -1;
	}
}

int64_t arch_regs_result(const struct arch_regs *regs)
{
	return regs->ax;
}

bool arch_regs_native(const struct arch_regs *regs)
{
	return regs->cs != USER32_CS;
}

bool arch_regs_in_syscall(const struct arch_regs *regs)
{
	return (int64_t)regs->orig_ax >= 0;
}

void arch_regs_restart(struct arch_regs *regs)
{
	if (!arch_regs_in_syscall(regs))
		return;
	switch (-(int64_t)regs->ax) {
	case ERESTARTSYS:
	case ERESTARTNOINTR:
	case ERESTARTNOHAND:
		regs->ax = regs->orig_ax;
		regs->ip -= SYSCALL_INSN_LEN;
		break;
	case ERESTART_RESTARTBLOCK: /* the time that is left is known to the kernel alone */
		regs->ax = -EINTR;
		break;
	}
}

void arch_regs_resume(struct arch_regs *regs)
{
	if (arch_regs_in_syscall(regs) && -(int64_t)regs->ax == ERESTART_RESTARTBLOCK) {
		regs->ax = arch_regs_native(regs) ? SYS_restart_syscall : COMPAT_RESTART_SYSCALL;
		regs->ip -= SYSCALL_INSN_LEN;
	} else {
		arch_regs_restart(regs);
	}
}

uint64_t arch_regs_ip(const struct arch_regs *regs)
{
	return regs->ip;
}

void arch_regs_set_ip(struct arch_regs *regs, uint64_t ip)
{
	regs->ip = ip;
}

uint64_t arch_regs_sp(const struct arch_regs *regs)
{
	return regs->sp;
}

void arch_regs_set_sp(struct arch_regs *regs, uint64_t sp)
{
	regs->sp = sp;
}

long arch_find_syscall(const uint8_t *text, size_t len)
{
	for (size_t i = 0; i + SYSCALL_INSN_LEN <= len; i++)
		if (text[i] == 0x0f && text[i + 1] == 0x05)
			return i;
	return -1;
}

/* int $0x80 */
long arch_find_syscall_compat(const uint8_t *text, size_t len)
{
	for (size_t i = 0; i + SYSCALL_INSN_LEN <= len; i++)
		if (text[i] == 0xcd && text[i + 1] == 0x80)
			return i;
	return -1;
}
