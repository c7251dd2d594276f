/* parasite/host/inject.c -- a batch of system calls: put together, and made by a stopped thread. */

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "criuimg/array.h"
#include "criuimg/cleanup.h"
#include "parasite/host/run.h"

#ifndef PTRACE_O_SUSPEND_SECCOMP
#define PTRACE_O_SUSPEND_SECCOMP (1 << 21)
#endif

enum {
	BUFFER_ALIGN = 16,
	AREA_MIN = 16384,
	SEARCH_STEP = 65536,
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
	struct inject_pending *p = img_array_more(&b->calls, b->nr, &b->room);

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

int inject_find(pid_t pid, enum inject_code what, uint64_t start, uint64_t end, uint64_t *addr, struct img_err *err)
{
	static long (*const finders[])(const uint8_t *text, size_t len) = {
		[INJECT_CODE_CALL] = arch_find_syscall,
		[INJECT_CODE_CALL_COMPAT] = arch_find_syscall_compat,
		[INJECT_CODE_RETURN] = arch_find_call_and_return,
		[INJECT_CODE_SIGRETURN] = arch_find_sigreturn,
	};
	cleanup_free uint8_t *text = malloc(SEARCH_STEP);

	if (!text)
		return img_fail_nomem(err);
	while (start < end) {
		size_t len = end - start < SEARCH_STEP ? end - start : SEARCH_STEP;
		long at;

		if (kern_vm_read(pid, start, text, len, err) < 0)
			return -1;
		at = finders[what](text, len);
		if (at >= 0) {
			*addr = start + at;
			return 1;
		}
		/* Some bytes again: it may lie across two steps. */
		start += len < SEARCH_STEP ? len : len - ARCH_CODE_MAX;
	}
	return 0;
}

/* ---- one thread, made to work ---- */

int run_resume(struct run *r, int request, struct img_err *err)
{
	if (kern_ptrace_resume(r->th->tid, request, 0, err) < 0)
		return -1;
	r->running = true;
	return 0;
}

static int next_stop(struct run *r, struct kern_stop *stop, struct img_err *err)
{
	int got = kern_wait_stop(r->th->tid, STOP_TIMEOUT_MS, stop, err);

	if (got < 0)
		return -1;
	if (got == 0)
		return img_fail(err, IMG_SYS, "thread %d does not run (is its cgroup frozen?)", r->th->tid);
	if (stop->kind == KERN_STOP_EXITED || stop->kind == KERN_STOP_KILLED)
		return img_fail(err, IMG_SYS, "thread %d is gone: %s %d", r->th->tid,
			kern_stop_name(stop->kind), stop->value);
	r->running = false;
	if (stop->kind == KERN_STOP_SIGNAL && stop->value == SIGSTOP)
		r->stopped = true;
	return 0;
}

int run_regain(struct run *r, struct img_err *err)
{
	struct kern_stop stop;

	if (!r->running)
		return 0;
	return kern_ptrace_interrupt(r->th->tid, err) < 0 ? -1 : next_stop(r, &stop, err);
}

int run_wait(struct run *r, enum kern_stop_kind kind, int value, int resume, struct img_err *err)
{
	for (;;) {
		struct kern_stop stop;

		if (next_stop(r, &stop, err) < 0)
			return -1;
		if (stop.kind == kind && (kind != KERN_STOP_SIGNAL || stop.value == value))
			return 0;
		if (kind == KERN_STOP_INTERRUPT && stop.kind == KERN_STOP_GROUP)
			return 0;
		if (stop.kind != KERN_STOP_INTERRUPT && stop.kind != KERN_STOP_GROUP &&
			!(stop.kind == KERN_STOP_SIGNAL && stop.value == SIGSTOP))
			return img_fail(err, IMG_SYS, "thread %d: unexpected %s %d", r->th->tid,
				kern_stop_name(stop.kind), stop.value);
		if (run_resume(r, resume, err) < 0)
			return -1;
	}
}

void run_suspend_seccomp(struct run *r)
{
	if (r->th->seccomp)
		kern_ptrace_options(r->th->tid, PTRACE_O_SUSPEND_SECCOMP, NULL);
}

int run_resume_seccomp(struct run *r, struct img_err *err)
{
	return r->th->seccomp ? kern_ptrace_options(r->th->tid, 0, err) : 0;
}

int run_stop_again(struct run *r, struct img_err *err)
{
	const struct inject_thread *th = r->th;

	if (!r->stopped)
		return 0;
	if (th->own_stop ? syscall(SYS_tgkill, th->pid, th->tid, SIGSTOP) < 0 : kill(th->pid, SIGSTOP) < 0)
		return img_fail_sys(err, "send SIGSTOP to thread %d again", th->tid);
	return 0;
}

/* ---- the area ---- */

/* One call by itself. */
static int lone_call(
	struct run *r, long nr, const uint64_t args[CALL_ARGS], int64_t *ret, struct img_err *err)
{
	int status = step_begin(r, err);

	if (status == 0)
		status = step_call(r, nr, args, ret, err);
	if (step_end(r, status == 0 ? err : NULL) < 0)
		status = -1;
	return status;
}

/* A task may be forbidden to have memory that is written and executed (PR_SET_MDWE, SELinux): then
 * without. */
static int map_area(struct run *r, size_t size, struct img_err *err)
{
	uint64_t args[CALL_ARGS] = { 0, size, 0, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0 };
	struct inject_space *s = r->space;
	int64_t ret;

	s->exec = r->th->quiet_signo != 0;
	for (;;) {
		args[2] = PROT_READ | PROT_WRITE | (s->exec ? PROT_EXEC : 0);
		if (lone_call(r, SYS_mmap, args, &ret, err) < 0)
			return -1;
		if (ret == -ENOMEM && limits_beyond(r, SYS_mmap, args, &ret, err) < 0)
			return -1;
		if (!s->exec || (ret != -EACCES && ret != -EPERM))
			break;
		s->exec = false;
	}
	if (s->compat && !s->exec)
		return img_fail(err, IMG_UNSUPPORTED, "32-bit code that may not have executable memory is not supported");
	if (ret < 0 && ret > -4096) {
		errno = -ret;
		return img_fail_sys(err, "map %zu bytes inside", size);
	}
	s->area = ret;
	s->area_size = size;
	return 0;
}

static int unmap_area(struct run *r, struct img_err *err)
{
	struct inject_space *s = r->space;
	uint64_t args[CALL_ARGS] = { s->area, s->area_size };
	int64_t ret;

	if (lone_call(r, SYS_munmap, args, &ret, err) < 0)
		return -1;
	if (ret < 0) {
		errno = -ret;
		return img_fail_sys(
			err, "unmap %zu bytes at %#lx inside", s->area_size, (unsigned long)s->area);
	}
	s->area = 0;
	s->area_size = 0;
	return 0;
}

static int ensure_area(struct run *r, size_t size, struct img_err *err)
{
	size_t page = sysconf(_SC_PAGESIZE);

	if (size <= r->space->area_size)
		return 0;
	if (r->space->area && unmap_area(r, err) < 0)
		return -1;
	if (size < AREA_MIN)
		size = AREA_MIN;
	return map_area(r, (size + page - 1) & ~(page - 1), err);
}

/* ---- a batch ---- */

static void gather(const struct inject_batch *b, uint8_t *buffers)
{
	for (size_t c = 0; c < b->nr; c++)
		for (size_t i = 0; i < b->calls[c].nr_args; i++)
			if (b->calls[c].args[i].kind & INJECT_IN)
				memcpy(buffers + b->calls[c].offset[i], b->calls[c].args[i].host,
					b->calls[c].args[i].size);
}

static void scatter(const struct inject_batch *b, const uint8_t *buffers)
{
	for (size_t c = 0; c < b->nr; c++)
		for (size_t i = 0; i < b->calls[c].nr_args; i++)
			if (b->calls[c].args[i].kind & INJECT_OUT)
				memcpy(b->calls[c].args[i].host, buffers + b->calls[c].offset[i],
					b->calls[c].args[i].size);
}

int inject_run(
	struct inject_space *s, const struct inject_thread *th, struct inject_batch *b, struct img_err *err)
{
	struct run r = { .space = s, .th = th };
	cleanup_free uint8_t *buffers = NULL;

	if (b->nomem)
		return img_fail_nomem(err);
	if (!b->nr)
		return 0;
	if (ensure_area(&r, blob_area_size(b), err) < 0)
		return -1;
	buffers = calloc(1, b->size + 1);
	if (!buffers)
		return img_fail_nomem(err);
	gather(b, buffers);
	if ((s->exec && th->quiet_signo ? blob_batch : step_batch)(&r, b, buffers, err) < 0)
		return -1;
	scatter(b, buffers);
	return 0;
}

int inject_leave(struct inject_space *s, const struct inject_thread *th, struct img_err *err)
{
	struct run r = { .space = s, .th = th };

	return s->area ? unmap_area(&r, err) : 0;
}
