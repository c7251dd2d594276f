/* engines/task/signal/signal-dump.c -- what criu-dump saves of signals: handlers, masks, alternate stacks,
 * what is pending. */

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/syscall.h>

#include "criu-dump/task_ops.h"

extern const struct task_dump_ops signal_dump_ops;

enum {
	SIGNALS = 64,
	SIGINFO_SIZE = 128,
};

/* As the kernel has it: include/linux/signal_types.h. */
struct kernel_sigaction {
	uint64_t handler, flags, restorer, mask;
};

struct signal_state {
	long ret[SIGNALS + 1];
	struct kernel_sigaction action[SIGNALS + 1];
};

struct signal_thread_state {
	long ret;
	stack_t stack;
};

/* Nobody can have a handler for these. */
static bool has_action(int signo)
{
	return signo != SIGKILL && signo != SIGSTOP;
}

/* A restorer of the classic format works with traps of its own while signals are queued already: CRIU 4.2
 * loses a SIGTRAP that is pending, without a word. */
static int signal_check(struct dump *d, struct dump_task *t, struct img_err *err)
{
	for_each_thread(t, th)
		if ((th->status.sig_pending | th->status.sig_shared_pending) & 1ull << (SIGTRAP - 1)) {
			if (dump_block(d, t, "", "thread %d: a pending SIGTRAP is not supported", th->tid) <
				0)
				return img_fail_nomem(err);
			break;
		}
	return 0;
}

static int signal_ask(struct dump *d, struct dump_task *t, struct inject_batch *b, struct img_err *err)
{
	struct signal_state *s = dump_keep(d, t, &signal_dump_ops, sizeof(*s));

	if (!s)
		return img_fail_nomem(err);
	for (int signo = 1; signo <= SIGNALS; signo++)
		if (has_action(signo))
			inject_call(b, &s->ret[signo], SYS_rt_sigaction, inj_val(signo), inj_val(0),
				inj_out(&s->action[signo], sizeof(s->action[signo])),
				inj_val(sizeof(uint64_t)));
	return 0;
}

static int signal_ask_thread(
	struct dump *d, struct dump_thread *th, struct inject_batch *b, struct img_err *err)
{
	struct signal_thread_state *s = dump_keep_thread(d, th, &signal_dump_ops, sizeof(*s));

	if (!s)
		return img_fail_nomem(err);
	inject_call(b, &s->ret, SYS_sigaltstack, inj_val(0), inj_out(&s->stack, sizeof(s->stack)));
	return 0;
}

static int actions(struct dump *d, struct dump_task *t, TaskCoreEntry *tc, struct img_err *err)
{
	struct signal_state *s = dump_keep(d, t, &signal_dump_ops, sizeof(*s));

	tc->sigactions = img_arena_array(&t->arena, SIGNALS, sizeof(*tc->sigactions));
	if (!tc->sigactions)
		return img_fail_nomem(err);
	for (int signo = 1; signo <= SIGNALS; signo++) {
		const struct kernel_sigaction *a = &s->action[signo];
		SaEntry *e;

		if (!has_action(signo))
			continue;
		if (s->ret[signo] < 0) {
			errno = -s->ret[signo];
			return img_fail_sys(err, "sigaction(%d)", signo);
		}
		e = img_arena_message(&t->arena, SaEntry, sa_entry);
		if (!e)
			return img_fail_nomem(err);
		e->sigaction = a->handler;
		e->flags = a->flags;
		e->restorer = a->restorer;
		e->mask = a->mask;
		e->has_compat_sigaction = 1;
		e->compat_sigaction = t->compat;
		tc->sigactions[tc->n_sigactions++] = e;
	}
	return 0;
}

/* pending: the set of what is in the queue, from /proc. A signal that came when the queue was full is in
 * the set alone: it is made up for, as the kernel does when it delivers one. */
static SignalQueueEntry *queue(
	struct dump_task *t, const struct dump_signals *signals, uint64_t pending, struct img_err *err)
{
	SignalQueueEntry *q = img_arena_message(&t->arena, SignalQueueEntry, signal_queue_entry);
	size_t nr = signals->nr;

	for (size_t i = 0; i < nr; i++)
		pending &= ~(1ull << (signals->infos[i].si_signo - 1));
	if (q)
		q->signals = img_arena_array(&t->arena, nr + SIGNALS, sizeof(*q->signals));
	if (!q || !q->signals) {
		img_fail_nomem(err);
		return NULL;
	}
	for (size_t i = 0; i < nr + SIGNALS; i++) {
		siginfo_t made_up = { .si_signo = i - nr + 1, .si_code = SI_USER };
		const siginfo_t *info = i < nr ? &signals->infos[i] : &made_up;
		SiginfoEntry *e;

		if (i >= nr && !(pending & 1ull << (i - nr)))
			continue;
		e = img_arena_message(&t->arena, SiginfoEntry, siginfo_entry);
		if (e)
			e->siginfo.data = img_arena_memdup(&t->arena, info, SIGINFO_SIZE);
		if (!e || !e->siginfo.data) {
			img_fail_nomem(err);
			return NULL;
		}
		e->siginfo.len = SIGINFO_SIZE;
		q->signals[q->n_signals++] = e;
	}
	return q;
}

static int signal_task(struct dump *d, struct dump_task *t, struct img_err *err)
{
	struct dump_thread *leader = &t->threads[0];
	TaskCoreEntry *tc = leader->core->tc;

	tc->blk_sigset = leader->sigmask;
	tc->signals_s = queue(t, &t->pending, leader->status.sig_shared_pending, err);
	return tc->signals_s ? actions(d, t, tc, err) : -1;
}

static int signal_thread(struct dump *d, struct dump_thread *th, struct img_err *err)
{
	struct signal_thread_state *s = dump_keep_thread(d, th, &signal_dump_ops, sizeof(*s));
	ThreadCoreEntry *tc = th->core->thread_core;

	if (s->ret < 0) {
		errno = -s->ret;
		return img_fail_sys(err, "sigaltstack");
	}
	tc->sas = img_arena_message(&th->task->arena, ThreadSasEntry, thread_sas_entry);
	if (!tc->sas)
		return img_fail_nomem(err);
	tc->sas->ss_sp = (uintptr_t)s->stack.ss_sp;
	tc->sas->ss_size = s->stack.ss_size;
	tc->sas->ss_flags = s->stack.ss_flags;
	if (th != th->task->threads) {
		tc->has_blk_sigset = 1;
		tc->blk_sigset = th->sigmask;
	}
	tc->signals_p = queue(th->task, &th->pending, th->status.sig_pending, err);
	return tc->signals_p ? 0 : -1;
}

const struct task_dump_ops signal_dump_ops = {
	.name = "signal",
	.check = signal_check,
	.ask = signal_ask,
	.ask_thread = signal_ask_thread,
	.task = signal_task,
	.thread = signal_thread,
};
