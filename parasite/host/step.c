/* parasite/host/step.c -- system calls made at an instruction of the task's own, from stop to stop.
 *
 * The thread's registers are set to a system call instruction that it has anyway, and the call is watched with PTRACE_SYSCALL: in
 * at the entry, out at the exit. That needs no executable memory of ours. All signals are blocked meanwhile, so nothing but SIGKILL
 * and SIGSTOP can come between. Should the tracer die in these moments, the thread makes the call, returns into the task's own call
 * of rt_sigreturn(2), and that puts it back (way-back.c): the frame is there before the registers are set, and as long as they are
 * ours; the signal mask is ours only while they are. Where that code is not to be found, the thread goes on with registers that are
 * not its own: so only what cannot be done otherwise is done like this.
 *
 * At the end the thread must stand where the kernel looks at its registers when it lets go, and restarts a
 * call that was interrupted; it does not after the stop at the exit of a call. So an interrupt is ordered
 * and the thread resumed: it stops again before it gets to user mode, and there the old registers are set.
 */

#include <sys/ptrace.h>

#include "parasite/host/run.h"

int step_begin(struct run *r, struct img_err *err)
{
	run_suspend_seccomp(r);
	way_back_open(r);
	return 0;
}

int step_call(struct run *r, int64_t nr, const uint64_t args[CALL_ARGS], int64_t *ret, struct img_err *err)
{
	struct arch_regs regs = *r->th->regs;
	pid_t tid = r->th->tid;

	if (r->space->compat && arch_compat_nr(nr) < 0)
		return img_fail(err, IMG_UNSUPPORTED, "thread %d: 32-bit code makes no call %ld for us", tid, (long)nr);
	if (r->space->compat)
		arch_regs_call_compat(&regs, r->space->syscall_addr, arch_compat_nr(nr), args);
	else
		arch_regs_call(&regs, r->back.at ? r->space->return_addr : r->space->syscall_addr, nr, args);
	if (r->back.at)
		arch_regs_set_sp(&regs, r->back.at);
	if (arch_thread_set(tid, &regs, err) < 0 ||
		(!r->masked && kern_ptrace_set_sigmask(tid, ~0ull, err) < 0))
		return -1;
	r->masked = true;
	for (int side = 0; side < 2; side++)
		if (run_resume(r, PTRACE_SYSCALL, err) < 0 ||
			run_wait(r, KERN_STOP_SYSCALL, 0, PTRACE_SYSCALL, err) < 0)
			return -1;
	if (arch_thread_get(tid, &regs, err) < 0)
		return -1;
	*ret = arch_regs_result(&regs);
	return 0;
}

int step_end(struct run *r, struct img_err *err)
{
	pid_t tid = r->th->tid;

	if (run_regain(r, err) < 0 || kern_ptrace_interrupt(tid, err) < 0 ||
		run_resume(r, PTRACE_CONT, err) < 0 ||
		run_wait(r, KERN_STOP_INTERRUPT, 0, PTRACE_CONT, err) < 0 ||
		kern_ptrace_set_sigmask(tid, r->th->sigmask, err) < 0 ||
		arch_thread_set(tid, r->th->regs, err) < 0 ||
		way_back_close(r, err) < 0 || run_resume_seccomp(r, err) < 0)
		return -1;
	r->masked = false;
	return run_stop_again(r, err);
}

static int all_calls(struct run *r, const struct inject_batch *b, struct img_err *err)
{
	for (size_t c = 0; c < b->nr; c++) {
		const struct inject_pending *p = &b->calls[c];
		uint64_t args[CALL_ARGS] = { 0 };
		int64_t ret;

		for (size_t i = 0; i < p->nr_args; i++)
			args[i] = p->args[i].kind == INJECT_VALUE ? p->args[i].value
								  : r->space->area + p->offset[i];
		if (step_call(r, p->nr, args, &ret, err) < 0)
			return img_wrap(err, "system call %ld inside", (long)p->nr);
		if (p->ret)
			*p->ret = ret;
	}
	return 0;
}

int step_batch(struct run *r, const struct inject_batch *b, uint8_t *buffers, struct img_err *err)
{
	int ret;

	if (kern_vm_write(r->th->tid, r->space->area, buffers, b->size, err) < 0)
		return -1;
	ret = step_begin(r, err);
	if (ret == 0)
		ret = all_calls(r, b, err);
	/* A failure before this one is the one to tell. */
	if (step_end(r, ret == 0 ? err : NULL) < 0)
		ret = -1;
	return ret < 0 ? -1 : kern_vm_read(r->th->tid, r->space->area, buffers, b->size, err);
}
