/* parasite/host/inject.c -- a batch of system calls, made by a stopped thread.
 *
 * No code is put into the task. Its registers are set to a system call instruction that it has anyway (the vdso's, as a rule), and
 * the call is watched from stop to stop with PTRACE_SYSCALL: in at the entry, out at the exit, next. That needs neither executable
 * memory of ours (a task may refuse it: PR_SET_MDWE, SELinux) nor a trap, which is a signal and would disturb what the task
 * does with signals. All signals are blocked meanwhile, so nothing but SIGKILL and SIGSTOP can come between.
 *
 * At the end the thread must stand again where it stood: in a PTRACE_EVENT_STOP, where the kernel looks at the registers
 * when it lets go and restarts a call that was interrupted. So an interrupt is ordered first, then the old registers are
 * set, and the thread is resumed: it stops again before it gets to user mode.
 */

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <elf.h>
#include <unistd.h>

#include "criuimg/array.h"
#include "criuimg/cleanup.h"
#include "kernel/ptrace.h"
#include "parasite/host/inject.h"

#ifndef PTRACE_O_SUSPEND_SECCOMP
#define PTRACE_O_SUSPEND_SECCOMP (1 << 21)
#endif

enum {
	CALL_ARGS = 6,
	BUFFER_ALIGN = 16,
	AREA_MIN = 16384,
	STOP_TIMEOUT_MS = 10000, /* none of the calls sleeps */
	SEARCH_STEP = 65536,
};

/* A call, and where its buffers lie in the area. */
struct pending {
	int64_t nr;
	long *ret;
	size_t nr_args;
	struct inject_arg args[CALL_ARGS];
	size_t offset[CALL_ARGS];
};

struct inject_batch {
	struct pending *calls;
	size_t nr, room;
	size_t size; /* of all buffers */
	bool nomem;
};

struct inject_batch *inject_batch_new(void)
{
	return calloc(1, sizeof(struct inject_batch));
}

void inject_batch_free(struct inject_batch *b)
{
	if (!b)
		return;
	free(b->calls);
	free(b);
}

size_t inject_batch_calls(const struct inject_batch *b)
{
	return b->nr;
}

void inject_add(struct inject_batch *b, long *ret, long nr, const struct inject_arg *args, size_t nr_args)
{
	struct pending *p = img_array_more(&b->calls, b->nr, &b->room);

	if (!p || nr_args > CALL_ARGS) {
		b->nomem = true;
		return;
	}
	p->nr = nr;
	p->ret = ret;
	p->nr_args = nr_args;
	for (size_t i = 0; i < nr_args; i++) {
		p->args[i] = args[i];
		if (args[i].kind == INJECT_VALUE)
			continue;
		p->offset[i] = b->size;
		b->size += (args[i].size + BUFFER_ALIGN - 1) & ~(size_t)(BUFFER_ALIGN - 1);
	}
	b->nr++;
}

int inject_find_syscall(pid_t pid, uint64_t start, uint64_t end, uint64_t *addr, struct img_err *err)
{
	cleanup_free uint8_t *text = malloc(SEARCH_STEP);

	if (!text)
		return img_fail_nomem(err);
	while (start < end) {
		size_t len = end - start < SEARCH_STEP ? end - start : SEARCH_STEP;
		long at;

		if (kern_vm_read(pid, start, text, len, err) < 0)
			return -1;
		at = arch_find_syscall(text, len);
		if (at >= 0) {
			*addr = start + at;
			return 1;
		}
		/* One byte again: an instruction may lie across two steps. */
		start += len < SEARCH_STEP ? len : len - 1;
	}
	return 0;
}

/* ---- one thread, made to work ---- */

struct run {
	const struct inject_space *space;
	const struct inject_thread *th;
	int again; /* SIGSTOP that came in between: to be sent again */
};

/* Until the thread has got to a stop of the kind wanted. */
static int wait_for(struct run *r, enum kern_stop_kind kind, int resume, struct img_err *err)
{
	for (;;) {
		struct kern_stop stop;
		int got = kern_wait_stop(r->th->tid, STOP_TIMEOUT_MS, &stop, err);

		if (got < 0)
			return -1;
		if (got == 0)
			return img_fail(err, IMG_SYS, "thread %d does not run (is its cgroup frozen?)", r->th->tid);
		if (stop.kind == kind || (kind == KERN_STOP_INTERRUPT && stop.kind == KERN_STOP_GROUP))
			return 0;
		if (stop.kind == KERN_STOP_EXITED || stop.kind == KERN_STOP_KILLED)
			return img_fail(err, IMG_SYS, "thread %d is gone: %s %d", r->th->tid, kern_stop_name(stop.kind),
				stop.value);
		if (stop.kind == KERN_STOP_SIGNAL && stop.value == SIGSTOP)
			r->again = SIGSTOP;
		else if (stop.kind != KERN_STOP_INTERRUPT && stop.kind != KERN_STOP_GROUP)
			return img_fail(err, IMG_SYS, "thread %d: unexpected %s %d", r->th->tid, kern_stop_name(stop.kind),
				stop.value);
		if (kern_ptrace_resume(r->th->tid, resume, 0, err) < 0)
			return -1;
	}
}

static int one_call(struct run *r, int64_t nr, const uint64_t args[CALL_ARGS], int64_t *ret, struct img_err *err)
{
	struct arch_regs regs = *r->th->regs;
	pid_t tid = r->th->tid;

	arch_regs_call(&regs, r->space->syscall_addr, nr, args);
	if (kern_ptrace_set_regset(tid, NT_PRSTATUS, &regs, sizeof(regs), err) < 0)
		return -1;
	for (int side = 0; side < 2; side++)
		if (kern_ptrace_resume(tid, PTRACE_SYSCALL, 0, err) < 0 ||
			wait_for(r, KERN_STOP_SYSCALL, PTRACE_SYSCALL, err) < 0)
			return -1;
	if (kern_ptrace_get_regset(tid, NT_PRSTATUS, &regs, sizeof(regs), err) < 0)
		return -1;
	*ret = arch_regs_result(&regs);
	return 0;
}

static int begin(struct run *r, struct img_err *err)
{
	if (kern_ptrace_set_sigmask(r->th->tid, ~0ull, err) < 0)
		return -1;
	/* Where the kernel does not let us, the filters see our calls, and say what they say. */
	if (r->th->seccomp)
		kern_ptrace_options(r->th->tid, PTRACE_O_SUSPEND_SECCOMP, NULL);
	return 0;
}

static int end(struct run *r, struct img_err *err)
{
	pid_t tid = r->th->tid;

	if (r->th->seccomp && kern_ptrace_options(tid, 0, err) < 0)
		return -1;
	if (kern_ptrace_interrupt(tid, err) < 0 ||
		kern_ptrace_set_regset(tid, NT_PRSTATUS, r->th->regs, sizeof(*r->th->regs), err) < 0 ||
		kern_ptrace_set_sigmask(tid, r->th->sigmask, err) < 0 ||
		kern_ptrace_resume(tid, PTRACE_CONT, 0, err) < 0 ||
		wait_for(r, KERN_STOP_INTERRUPT, PTRACE_CONT, err) < 0)
		return -1;
	if (r->again && syscall(SYS_tkill, tid, r->again) < 0)
		return img_fail_sys(err, "send signal %d to thread %d again", r->again, tid);
	return 0;
}

static int map_area(struct run *r, struct inject_space *s, size_t size, struct img_err *err)
{
	uint64_t args[CALL_ARGS] = { 0, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0 };
	int64_t ret;

	if (one_call(r, SYS_mmap, args, &ret, err) < 0)
		return -1;
	if (ret < 0 && ret > -4096) {
		errno = -ret;
		return img_fail_sys(err, "map %zu bytes inside", size);
	}
	s->area = ret;
	s->area_size = size;
	return 0;
}

static int unmap_area(struct run *r, struct inject_space *s, struct img_err *err)
{
	uint64_t args[CALL_ARGS] = { s->area, s->area_size };
	int64_t ret;

	if (one_call(r, SYS_munmap, args, &ret, err) < 0)
		return -1;
	if (ret < 0) {
		errno = -ret;
		return img_fail_sys(err, "unmap %zu bytes at %#lx inside", s->area_size, (unsigned long)s->area);
	}
	s->area = 0;
	s->area_size = 0;
	return 0;
}

/* ---- a batch ---- */

static void gather(const struct inject_batch *b, uint8_t *staging)
{
	for (size_t c = 0; c < b->nr; c++)
		for (size_t i = 0; i < b->calls[c].nr_args; i++)
			if (b->calls[c].args[i].kind & INJECT_IN)
				memcpy(staging + b->calls[c].offset[i], b->calls[c].args[i].host, b->calls[c].args[i].size);
}

static void scatter(const struct inject_batch *b, const uint8_t *staging)
{
	for (size_t c = 0; c < b->nr; c++)
		for (size_t i = 0; i < b->calls[c].nr_args; i++)
			if (b->calls[c].args[i].kind & INJECT_OUT)
				memcpy(b->calls[c].args[i].host, staging + b->calls[c].offset[i], b->calls[c].args[i].size);
}

static int make_calls(struct run *r, const struct inject_batch *b, struct img_err *err)
{
	for (size_t c = 0; c < b->nr; c++) {
		const struct pending *p = &b->calls[c];
		uint64_t args[CALL_ARGS] = { 0 };
		int64_t ret;

		for (size_t i = 0; i < p->nr_args; i++)
			args[i] = p->args[i].kind == INJECT_VALUE ? p->args[i].value : r->space->area + p->offset[i];
		if (one_call(r, p->nr, args, &ret, err) < 0)
			return img_wrap(err, "system call %ld inside", (long)p->nr);
		if (p->ret)
			*p->ret = ret;
	}
	return 0;
}

static int run_batch(struct run *r, struct inject_space *s, const struct inject_batch *b, struct img_err *err)
{
	cleanup_free uint8_t *staging = NULL;

	if (b->size > s->area_size) {
		size_t page = sysconf(_SC_PAGESIZE), size = b->size < AREA_MIN ? AREA_MIN : b->size;

		if (s->area && unmap_area(r, s, err) < 0)
			return -1;
		if (map_area(r, s, (size + page - 1) & ~(page - 1), err) < 0)
			return -1;
	}
	if (!b->size)
		return make_calls(r, b, err);

	staging = calloc(1, b->size);
	if (!staging)
		return img_fail_nomem(err);
	gather(b, staging);
	if (kern_vm_write(r->th->tid, s->area, staging, b->size, err) < 0 || make_calls(r, b, err) < 0 ||
		kern_vm_read(r->th->tid, s->area, staging, b->size, err) < 0)
		return -1;
	scatter(b, staging);
	return 0;
}

int inject_run(struct inject_space *s, const struct inject_thread *th, struct inject_batch *b, struct img_err *err)
{
	struct run r = { .space = s, .th = th };
	int ret;

	if (b->nomem)
		return img_fail_nomem(err);
	if (!b->nr)
		return 0;
	ret = begin(&r, err);
	if (ret == 0)
		ret = run_batch(&r, s, b, err);
	/* A failure before this one is the one to tell. */
	if (end(&r, ret == 0 ? err : NULL) < 0)
		ret = -1;
	return ret;
}

int inject_leave(struct inject_space *s, const struct inject_thread *th, struct img_err *err)
{
	struct run r = { .space = s, .th = th };
	int ret;

	if (!s->area)
		return 0;
	ret = begin(&r, err);
	if (ret == 0)
		ret = unmap_area(&r, s, err);
	if (end(&r, ret == 0 ? err : NULL) < 0)
		ret = -1;
	return ret;
}
