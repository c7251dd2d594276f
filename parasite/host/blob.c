/* parasite/host/blob.c -- system calls made by the dump blob: one stop for all of them.
 *
 * At every moment the thread is in one of two states, and goes on rightly from either should the tracer
 * die: with its own registers, or in a blob whose code, list and frame are complete. That is what the
 * order of things below is for: the area is written before the registers are set, and the signal mask is
 * ours only while they are.
 */

#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>

#include "criuimg/cleanup.h"
#include "parasite/arch/dump-blob.h"
#include "parasite/host/run.h"

static size_t buffers_offset(const struct inject_batch *b)
{
	return BLOB_CALLS + b->nr * sizeof(struct blob_call);
}

size_t blob_area_size(const struct inject_batch *b)
{
	return buffers_offset(b) + b->size;
}

static void fill_area(struct run *r, const struct inject_batch *b, const uint8_t *buffers, uint8_t *area)
{
	struct blob_frame frame = {
		.nr_calls = b->nr, .signo = r->th->quiet_signo, .sigmask = r->th->sigmask
	};
	struct blob_call *calls = (struct blob_call *)(area + BLOB_CALLS);
	struct arch_regs regs = *r->th->regs;

	_Static_assert(sizeof(regs) <= sizeof(frame.regs), "all registers fit into the frame");
	arch_regs_resume(&regs);
	if (!arch_regs_native(&regs)) {
		frame.regs[BLOB_FRAME_FAR] = (uint32_t)regs.ip | regs.cs << 32;
		arch_regs_set_ip(&regs, r->space->area + (dump_blob_far - dump_blob_start));
	}
	memcpy(frame.regs, &regs, sizeof(regs));
	memcpy(area, dump_blob_start, dump_blob_end - dump_blob_start);
	memcpy(area + BLOB_FRAME, &frame, sizeof(frame));
	for (size_t c = 0; c < b->nr; c++) {
		const struct inject_pending *p = &b->calls[c];

		calls[c].nr = p->nr;
		for (size_t i = 0; i < p->nr_args; i++)
			calls[c].args[i] = p->args[i].kind == INJECT_VALUE
						   ? p->args[i].value
						   : r->space->area + buffers_offset(b) + p->offset[i];
	}
	memcpy(area + buffers_offset(b), buffers, b->size);
}

/* Until the blob is done: the same signal may also come from somebody else meanwhile, and is ignored as
 * the task would. */
static int wait_done(struct run *r, struct img_err *err)
{
	uint64_t done = r->space->area + (dump_blob_done - dump_blob_start);
	struct arch_regs regs;

	for (;;) {
		if (run_wait(r, KERN_STOP_SIGNAL, r->th->quiet_signo, PTRACE_CONT, err) < 0 ||
			arch_thread_get(r->th->tid, &regs, err) < 0)
			return -1;
		if (arch_regs_ip(&regs) == done)
			return 0;
		if (run_resume(r, PTRACE_CONT, err) < 0)
			return -1;
	}
}

static int enter(struct run *r, struct img_err *err)
{
	struct arch_regs regs = *r->th->regs;
	pid_t tid = r->th->tid;

	arch_regs_jump(&regs, r->space->area);
	run_suspend_seccomp(r);
	if (arch_thread_set(tid, &regs, err) < 0 ||
		kern_ptrace_set_sigmask(tid, ~(1ull << (r->th->quiet_signo - 1)), err) < 0 ||
		run_resume(r, PTRACE_CONT, err) < 0)
		return -1;
	return wait_done(r, err);
}

/* The thread stays where it is, about to be given a signal that will not be delivered: there, too, the
 * kernel looks at the registers when it goes on. */
static int leave(struct run *r, struct img_err *err)
{
	if (run_regain(r, err) < 0 || kern_ptrace_set_sigmask(r->th->tid, r->th->sigmask, err) < 0 ||
		arch_thread_set(r->th->tid, r->th->regs, err) < 0 ||
		run_resume_seccomp(r, err) < 0)
		return -1;
	return run_stop_again(r, err);
}

int blob_batch(struct run *r, const struct inject_batch *b, uint8_t *buffers, struct img_err *err)
{
	size_t size = blob_area_size(b);
	cleanup_free uint8_t *area = calloc(1, size);
	const struct blob_call *calls = (struct blob_call *)(area + BLOB_CALLS);
	int ret;

	if (!area)
		return img_fail_nomem(err);
	fill_area(r, b, buffers, area);
	if (kern_vm_write(r->th->tid, r->space->area, area, size, err) < 0)
		return -1;
	ret = enter(r, err);
	if (leave(r, ret == 0 ? err : NULL) < 0)
		ret = -1;
	if (ret < 0 || kern_vm_read(r->th->tid, r->space->area + BLOB_CALLS, area + BLOB_CALLS,
			       size - BLOB_CALLS, err) < 0)
		return -1;
	for (size_t c = 0; c < b->nr; c++)
		if (b->calls[c].ret)
			*b->calls[c].ret = calls[c].ret;
	memcpy(buffers, area + buffers_offset(b), b->size);
	return 0;
}
