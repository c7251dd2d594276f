/* engines/task/regs/x86_64-modes-dump.c -- what an x86-64 CPU does or refuses for a thread: time stamps, CPUID, components of extended
 * state that must be asked for; and what no image can say: a descriptor table of its own, ports, tagged addresses. */

#include <elf.h>
#include <errno.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "criu-dump/arch.h"
#include "kernel/ptrace.h"
#include "parasite/arch/x86_64/modes.h"

int dump_arch_check_modes(struct dump *d, struct dump_thread *th, struct img_err *err)
{
	struct img_err why = IMG_ERR_INIT;
	uint64_t ports;
	int ret = 0;

	if (th == th->task->threads && th->status.untag_mask != UINT64_MAX)
		ret = dump_block(d, th->task, "", "tagged addresses (ARCH_ENABLE_TAGGED_ADDR) are not supported");
	/* Where there are no ports of its own there is no such set of registers. */
	if (ret == 0 && !d->dry_run &&
		kern_ptrace_get_regset(th->tid, NT_386_IOPERM, &ports, sizeof(ports), &why) >= 0)
		ret = dump_block(d, th->task, "", "thread %d: I/O ports (ioperm) are not supported", th->tid);
	return ret < 0 ? img_fail_nomem(err) : 0;
}

void dump_arch_ask(struct dump_thread *th, struct dump_arch_asked *a, struct inject_batch *b)
{
	inject_call(b, &a->tsc_ret, SYS_prctl, inj_val(PR_GET_TSC), inj_out(&a->tsc, sizeof(a->tsc)));
	inject_call(b, &a->cpuid, SYS_arch_prctl, inj_val(ARCH_GET_CPUID), inj_val(0));
	if (th != th->task->threads)
		return;
	inject_call(b, &a->perm_ret, SYS_arch_prctl, inj_val(ARCH_GET_XCOMP_PERM), inj_out(&a->perm, sizeof(a->perm)));
	inject_call(b, &a->ldt, SYS_modify_ldt, inj_val(LDT_READ), inj_out(&a->ldt_entry, sizeof(a->ldt_entry)),
		inj_val(sizeof(a->ldt_entry)));
}

int dump_arch_modes(struct dump_thread *th, const struct dump_arch_asked *a, struct img_err *err)
{
	ThreadInfoX86 *ti = th->core->thread_info;
	uint64_t usual = 0;

	/* What the kernel cannot do it refuses, and then it was never switched off. */
	if (a->tsc_ret == 0 && a->tsc == PR_TSC_SIGSEGV)
		ti->has_no_tsc = ti->no_tsc = 1;
	if (a->cpuid == 0)
		ti->has_no_cpuid = ti->no_cpuid = 1;
	if (th != th->task->threads)
		return 0;
	/* An int, in a register whose upper half is not cleared. */
	if ((int)a->ldt > 0)
		return img_fail(err, IMG_UNSUPPORTED, "segments of its own (modify_ldt) are not supported");
	if (a->perm_ret == 0 && syscall(SYS_arch_prctl, ARCH_GET_XCOMP_PERM, &usual) == 0 && a->perm != usual) {
		ti->has_xcomp_perm = 1;
		ti->xcomp_perm = a->perm;
	}
	return 0;
}
