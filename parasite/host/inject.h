/* parasite/host/inject.h -- system calls that a stopped task makes for us.
 *
 * What only a task itself can tell (its signal handlers, its timers, prctl(2) values) it is asked in one
 * go: rooms put calls into a batch, with host memory for what goes in and comes out; the batch is run in
 * one thread of the task; the results are then in the host memory named.
 *
 * 	long ret;
 * 	struct itimerval it;
 *
 * 	inject_call(b, &ret, SYS_getitimer, inj_val(ITIMER_REAL), inj_out(&it, sizeof(it)));
 *
 * The call's memory in the task is the batch's business. Results land when the batch is run, so the memory
 * named must live until then. A batch that ran out of memory says so when it is run: inject_call() returns
 * nothing.
 *
 * The task has its registers, signal mask and memory as before when inject_run() returns (whatever it
 * returns), and a system call that was interrupted is restarted by the kernel as if nothing had been. Of a
 * pending SIGSTOP, which cannot be held back, the sender is another one afterwards; nobody can see that.
 *
 * How: the calls are made by the dump blob, which goes back to where the thread was by itself should we
 * die meanwhile (parasite/blob.h). Mapping and unmapping the area it lies in, and all calls of a task that
 * does not let executable memory be mapped, are made at a system call instruction of the task's own, from
 * stop to stop: step.c; from there the kernel leads the thread back (parasite/arch/way-back.h).
 */
#ifndef PARASITE_HOST_INJECT_H
#define PARASITE_HOST_INJECT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "criuimg/err.h"
#include "parasite/arch/regs.h"
#include "parasite/blob.h"

/* An argument of a call. */
enum inject_arg_kind {
	INJECT_VALUE,
	INJECT_IN = 1,	/* host memory, copied into the task before the batch */
	INJECT_OUT = 2, /* host memory, filled from the task after the batch */
	INJECT_INOUT = INJECT_IN | INJECT_OUT,
};

struct inject_arg {
	enum inject_arg_kind kind;
	uint64_t value;
	void *host;
	size_t size;
};

static inline struct inject_arg inj_val(uint64_t value)
{
	return (struct inject_arg){ .kind = INJECT_VALUE, .value = value };
}

/* The task sees a pointer to a copy of size bytes. Filled when it is run, not before. */
static inline struct inject_arg inj_in(const void *host, size_t size)
{
	return (struct inject_arg){ .kind = INJECT_IN, .host = (void *)host, .size = size };
}

static inline struct inject_arg inj_out(void *host, size_t size)
{
	return (struct inject_arg){ .kind = INJECT_OUT, .host = host, .size = size };
}

static inline struct inject_arg inj_inout(void *host, size_t size)
{
	return (struct inject_arg){ .kind = INJECT_INOUT, .host = host, .size = size };
}

struct inject_batch;

/* Add a call. *ret (may be NULL) becomes what the kernel returns: a value, or -errno. */
#define inject_call(b, ret, nr, ...)                                                                         \
	inject_add((b), (ret), (nr), (const struct inject_arg[]){ __VA_ARGS__ },                             \
		sizeof((const struct inject_arg[]){ __VA_ARGS__ }) / sizeof(struct inject_arg))
void inject_add(struct inject_batch *b, long *ret, long nr, const struct inject_arg *args, size_t nr_args);

struct inject_batch *inject_batch_new(void);	/* NULL: no memory */
void inject_batch_free(struct inject_batch *b); /* NULL is fine */
size_t inject_batch_calls(const struct inject_batch *b);

/* ---- running ---- */

/* A thread to run in, stopped by ptrace (PTRACE_EVENT_STOP or a stop of its group) by the calling thread. */
struct inject_thread {
	pid_t pid; /* of its process */
	pid_t tid;
	const struct arch_regs *regs; /* as they were when it stopped, and will be again */
	uint64_t sigmask;	      /* the same */
	bool seccomp;		      /* it has a filter: PTRACE_O_SUSPEND_SECCOMP is tried while it runs */
	bool own_stop;		      /* a SIGSTOP is pending for this thread, not for the process */
	/* a signal that the task ignores and that is not pending; 0: there is none */
	int quiet_signo;
};

/* The address space to run in. */
struct inject_space {
	uint64_t syscall_addr; /* where a system call instruction is: inject_find() */
	bool compat;	       /* it is one of 32-bit code */
	/* Of the task's own code: a system call instruction that a return follows, and what signal handlers return to. 0: not
	 * known; then a thread that makes a call at the moment of our death is lost (parasite/arch/way-back.h). */
	uint64_t return_addr, sigreturn_addr;
	uint64_t area;	       /* memory of ours in it, 0 while there is none */
	size_t area_size;
	bool exec; /* it may be executed */
};

/* Pieces of code to look for. */
enum inject_code {
	INJECT_CODE_CALL,	/* a system call instruction */
	INJECT_CODE_RETURN,	/* the same, and a return behind it */
	INJECT_CODE_SIGRETURN,	/* a call of rt_sigreturn(2) */
	INJECT_CODE_CALL_COMPAT, /* a system call instruction of 32-bit code */
};

/* Look for one in [start, end) of task pid's memory: 1 with *addr, 0 when there is none, -1. */
int inject_find(pid_t pid, enum inject_code what, uint64_t start, uint64_t end, uint64_t *addr, struct img_err *err);

/* Run a batch; empty is fine. Maps an area if there is none yet or it is too small. Afterwards the thread
 * is stopped again, at a place where the kernel looks at its registers when it lets go, with everything as
 * before, save the area, which stays for the next thread. */
int inject_run(
	struct inject_space *s, const struct inject_thread *th, struct inject_batch *b, struct img_err *err);

/* Unmap the area. th: any thread of that address space. */
int inject_leave(struct inject_space *s, const struct inject_thread *th, struct img_err *err);

#endif
