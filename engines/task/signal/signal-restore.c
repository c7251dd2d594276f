/* engines/task/signal/signal-restore.c -- how criu-restore gives a task its signals: handlers, masks,
 * alternate stacks, what is pending.
 *
 * Until they are resumed all threads have all signals blocked, so what is queued for them stays queued. A
 * signal can be sent with any siginfo only to oneself: each thread queues its own, the leader those of the
 * process.
 */

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#include "criu-restore/stop.h"
#include "criu-restore/task_ops.h"
#include "kernel/ptrace.h"
#include "parasite/nolibc/syscall.h"

enum {
	SIGNALS = 64,
	SIGINFO_SIZE = 128,
};

/* As the kernel has it: include/linux/signal_types.h. */
struct kernel_sigaction {
	uint64_t handler, flags, restorer, mask;
};

/* ---- plan ---- */

static int check_queue(const SignalQueueEntry *q, struct img_err *err)
{
	for (size_t i = 0; q && i < q->n_signals; i++) {
		const ProtobufCBinaryData *info = &q->signals[i]->siginfo;
		int signo;

		if (info->len != SIGINFO_SIZE)
			return img_fail(err, IMG_CORRUPT, "pending signal of %zu bytes", info->len);
		memcpy(&signo, info->data, sizeof(signo));
		if (signo < 1 || signo > SIGNALS)
			return img_fail(err, IMG_CORRUPT, "pending signal %d", signo);
	}
	return 0;
}

static int signal_plan(struct restore *r, struct restore_task *t, struct img_err *err)
{
	const TaskCoreEntry *tc = t->core->tc;

	if (tc->n_sigactions > SIGNALS - 2) /* nobody can have one for SIGKILL and SIGSTOP */
		return img_fail(err, IMG_CORRUPT, "%zu signal actions", tc->n_sigactions);
	for (size_t i = 1; i < tc->n_sigactions; i++)
		if (tc->sigactions[i]->compat_sigaction != tc->sigactions[0]->compat_sigaction)
			return img_fail(err, IMG_UNSUPPORTED, "handlers of 32-bit code and others");
	if (check_queue(tc->signals_s, err) < 0)
		return -1;
	for (size_t i = 0; i < t->nr_threads; i++)
		if (check_queue(t->threads[i].core->thread_core->signals_p, err) < 0)
			return img_wrap(err, "thread %d", t->threads[i].tid);
	return 0;
}

/* ---- the process ---- */

/* As 32-bit code has it: struct compat_sigaction of include/linux/compat.h. */
struct compat_sigaction {
	uint32_t handler, flags, restorer;
	uint32_t mask[2];
};

enum {
	LOW_SIZE = 4096,
};

/* An action is of the kind of code that sets it. What is handed over has to be below 4 GiB: `low` is free there. */
static void set_compat_action(struct restore_tape *tape, const char *what, int signo, const struct kernel_sigaction *sa, uint64_t low)
{
	struct compat_sigaction c = { sa->handler, sa->flags, sa->restorer, { sa->mask, sa->mask >> 32 } };

	tape_step(tape, TAPE_SIGNALS, what, BLOB_COPY, low, tape_data(tape, &c, sizeof(c)), sizeof(c));
	tape_step(tape, TAPE_SIGNALS, what, BLOB_COMPAT, COMPAT_RT_SIGACTION, signo, low, 0, sizeof(c.mask));
}

static int low_memory(struct restore *r, struct restore_task *t, struct restore_tape *tape, uint64_t *low, struct img_err *err)
{
	struct blob_step *step;

	*low = restore_gap(r, t, LOW_SIZE, UINT32_MAX);
	if (!*low || *low > UINT32_MAX)
		return img_fail(err, IMG_UNSUPPORTED, "no memory is free below 4 GiB");
	step = tape_step(tape, TAPE_SIGNALS, "memory for 32-bit calls", SYS_mmap, *low, LOW_SIZE, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
	step->flags = BLOB_EXPECT;
	step->expect = *low;
	return 0;
}

/* All start at their default. low: of 32-bit code. */
static int set_actions(
	const struct restore *r, const struct restore_task *t, struct restore_tape *tape, uint64_t low, struct img_err *err)
{
	const TaskCoreEntry *tc = t->core->tc;
	int signo = 0;

	for (size_t i = 0; i < tc->n_sigactions; i++) {
		const SaEntry *e = tc->sigactions[i];
		struct kernel_sigaction sa = { e->sigaction, e->flags, e->restorer, e->mask };
		char what[32];

		do
			signo++;
		while (signo == SIGKILL || signo == SIGSTOP);
		if (signo == SIGCHLD)
			sa.flags |= restore_stop_quiet(r, t);
		if (!sa.handler && !sa.flags && !sa.mask)
			continue;
		snprintf(what, sizeof(what), "action of signal %d", signo);
		/* What it has while others stop is set again from outside, by 64-bit code. */
		if (low && signo == SIGCHLD && restore_stop_quiet(r, t) && sa.handler > (uintptr_t)SIG_IGN)
			return img_fail(err, IMG_UNSUPPORTED, "a handler of 32-bit code for SIGCHLD, and children that are stopped");
		if (low) {
			set_compat_action(tape, what, signo, &sa, low);
			continue;
		}
		tape_step(tape, TAPE_SIGNALS, what, SYS_rt_sigaction, signo, tape_data(tape, &sa, sizeof(sa)),
			0, sizeof(sa.mask));
	}
	return 0;
}

static int signal_tape(
	struct restore *r, struct restore_task *t, struct restore_tape *tape, struct img_err *err)
{
	const SignalQueueEntry *q = t->core->tc->signals_s;

	uint64_t low = 0;

	if (restore_compat(t) && low_memory(r, t, tape, &low, err) < 0)
		return -1;
	if (set_actions(r, t, tape, low, err) < 0)
		return -1;
	if (low)
		tape_step(tape, TAPE_SIGNALS, "memory for 32-bit calls", SYS_munmap, low, LOW_SIZE);
	for (size_t i = 0; q && i < q->n_signals; i++) {
		const ProtobufCBinaryData *info = &q->signals[i]->siginfo;

		tape_step(tape, TAPE_PENDING, "queue a pending signal", SYS_rt_sigqueueinfo, t->pid,
			*(int *)info->data, tape_data(tape, info->data, info->len));
	}
	return 0;
}

/* ---- each thread ---- */

static int signal_thread(struct restore *r, struct restore_task *t, struct restore_thread *th,
	struct restore_tape *tape, struct img_err *err)
{
	const ThreadCoreEntry *tc = th->core->thread_core;
	const SignalQueueEntry *q = tc->signals_p;

	/* Also where it had none: criu-restore may have had one (sanitizers do). */
	if (tc->sas) {
		stack_t stack = { .ss_sp = (void *)tc->sas->ss_sp,
			.ss_flags = tc->sas->ss_flags,
			.ss_size = tc->sas->ss_size };

		tape_step(tape, TAPE_THREAD, "alternate signal stack", SYS_sigaltstack,
			tape_data(tape, &stack, sizeof(stack)), 0);
	}
	for (size_t i = 0; q && i < q->n_signals; i++) {
		const ProtobufCBinaryData *info = &q->signals[i]->siginfo;

		tape_step(tape, TAPE_THREAD_PENDING, "queue a pending signal", SYS_rt_tgsigqueueinfo, t->pid,
			th->tid, *(int *)info->data, tape_data(tape, info->data, info->len));
	}
	return 0;
}

static int signal_resume(
	struct restore *r, struct restore_task *t, struct restore_thread *th, struct img_err *err)
{
	return kern_ptrace_set_sigmask(th->here, restore_sigmask(t, th), err);
}

extern const struct task_restore_ops signal_restore_ops;

const struct task_restore_ops signal_restore_ops = {
	.name = "signal",
	.plan = signal_plan,
	.tape = signal_tape,
	.thread = signal_thread,
	.resume = signal_resume,
};
