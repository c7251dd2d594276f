/* criu-dump/freeze.c -- stop a tree of tasks, so that nothing in it changes; and let it go again.
 *
 * Each thread is seized (which does not stop it) and interrupted; when all threads of a task stand still, it makes no more
 * threads or children, and those it has are looked for. That goes on until a whole round finds nothing new.
 *
 * PTRACE_SEIZE and PTRACE_INTERRUPT leave no trace in the task: no signal is sent, a system call that sleeps is left and made
 * again by the kernel. A task that is stopped by a signal stays so, and is told apart by the kind of its stop. If this
 * process dies, the kernel lets all of them go.
 */

#include <elf.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/ptrace.h>
#include <time.h>
#include <unistd.h>

#include "criu-dump/spine.h"
#include "criuimg/cleanup.h"
#include "kernel/proc-file.h"
#include "kernel/ptrace.h"

enum {
	SLICE_MS = 100, /* how long to wait before looking whether the user has given up */
	LET_GO_MS = 2000,
};

/* A failure that only says that the task has ended: 0. Any other one becomes the caller's: -1. */
static int unless_gone(const struct img_err *why, struct img_err *err)
{
	if (why->code == IMG_SYS && (why->sys_errno == ESRCH || why->sys_errno == ENOENT || why->sys_errno == ECHILD))
		return 0;
	if (err)
		*err = *why;
	return -1;
}

int dump_go_on(struct dump *d, struct img_err *err)
{
	struct pollfd p = { .fd = d->front, .events = POLLIN };

	if (d->front >= 0 && poll(&p, 1, 0) > 0)
		return img_fail(err, IMG_SYS, "stopped by the user");
	return 0;
}

/* ---- one thread ---- */

/* The reason in words: the kernel says EPERM for all of them. */
static int explain_seize(struct dump_task *t, pid_t tid, const struct img_err *why, struct img_err *err)
{
	struct kern_status status = { .tracer = 0 };

	*err = *why;
	if (kern_status_read(t->pid, tid, &status, NULL) == 0)
		kern_status_free(&status);
	if (status.tracer)
		return img_fail(err, IMG_UNSUPPORTED, "pid %d: thread %d is being traced by pid %d", t->pid, tid, status.tracer);
	return img_wrap(err, "pid %d", t->pid);
}

static int wait_stop(struct dump *d, struct dump_thread *th, struct kern_stop *stop, uint64_t until_us, struct img_err *err)
{
	for (;;) {
		int got = kern_wait_stop(th->tid, SLICE_MS, stop, err);

		if (got)
			return got < 0 ? -1 : 0;
		if (dump_go_on(d, err) < 0)
			return -1;
		if (until_us && dump_now_us() > until_us) {
			struct kern_stat stat = { .state = '?' };

			kern_stat_read(th->tid, &stat, NULL);
			return img_fail(err, IMG_SYS, "thread %d does not stop within %u s (state %c)", th->tid, d->opt->timeout,
				stat.state);
		}
	}
}

/* Wait until it stands still. Returns 1 when it does, 0 when it has ended instead. */
static int settle_thread(struct dump *d, struct dump_thread *th, uint64_t until_us, struct img_err *err)
{
	struct img_err why;
	struct kern_stop stop;

	for (;;) {
		if (wait_stop(d, th, &stop, until_us, err) < 0)
			return -1;
		switch (stop.kind) {
		case KERN_STOP_GROUP:
			th->task->state = DUMP_TASK_STOPPED;
			th->task->stop_signo = stop.value;
			th->stopped = true;
			return 1;
		case KERN_STOP_INTERRUPT:
			th->stopped = true;
			return 1;
		case KERN_STOP_EXITED:
		case KERN_STOP_KILLED:
			th->seized = false;
			return 0;
		default:
			/* A signal was on its way: the task gets it now, and stops afterwards. */
			if (kern_ptrace_resume(th->tid, PTRACE_CONT, stop.kind == KERN_STOP_SIGNAL ? stop.value : 0, &why) < 0 &&
				unless_gone(&why, err) < 0)
				return -1;
		}
	}
}

/* 1: seized and told to stop; 0: it has ended. */
static int seize_thread(struct dump *d, struct dump_thread *th, struct img_err *err)
{
	struct img_err why;

	if (kern_ptrace_seize(th->tid, 0, &why) < 0) {
		struct kern_stat stat;

		if (unless_gone(&why, NULL) == 0 || kern_stat_read(th->tid, &stat, NULL) < 0 || stat.state == 'Z' ||
			stat.state == 'X')
			return 0;
		return explain_seize(th->task, th->tid, &why, err);
	}
	th->seized = true;
	if (kern_ptrace_interrupt(th->tid, &why) < 0)
		return unless_gone(&why, err);
	return 1;
}

/* ---- one task ---- */

static struct dump_thread *thread_of(struct dump_task *t, pid_t tid)
{
	for_each_thread(t, th)
		if (th->tid == tid)
			return th;
	return NULL;
}

/* Threads in /proc that are not ours yet: seized and told to stop. How many, or -1. */
static int seize_new_threads(struct dump *d, struct dump_task *t, struct img_err *err)
{
	cleanup_free int *tids = NULL;
	struct img_err why;
	size_t nr;
	int fresh = 0;

	if (kern_proc_numbers(&tids, &nr, &why, "/proc/%d/task", t->pid) < 0)
		return unless_gone(&why, err);
	for (size_t i = 0; i < nr; i++) {
		struct dump_thread *th = thread_of(t, tids[i]);
		int got;

		if (th && th->seized)
			continue;
		if (!th)
			th = dump_thread_new(t, tids[i], err);
		if (!th)
			return -1;
		got = seize_thread(d, th, err);
		if (got < 0)
			return -1;
		if (got == 0 && th != t->threads)
			dump_thread_drop(t, th);
		fresh += got;
	}
	return fresh;
}

/* Its leader has ended: all of it has, or the others go on without it. */
static int leader_ended(struct dump_task *t, struct img_err *err)
{
	struct kern_stat stat;
	struct img_err why;

	if (kern_stat_read(t->pid, &stat, &why) < 0) {
		if (unless_gone(&why, err) < 0)
			return -1;
		t->state = 0; /* and was waited for: there is nothing */
		return 0;
	}
	if (stat.num_threads > 1 || t->nr_threads > 1)
		return img_fail(err, IMG_UNSUPPORTED, "pid %d: its first thread has ended while others run", t->pid);
	t->state = DUMP_TASK_ZOMBIE;
	return 0;
}

/* Stop all of its threads, those included that it makes meanwhile. */
static int freeze_task(struct dump *d, struct dump_task *t, uint64_t until_us, struct img_err *err)
{
	for (;;) {
		int fresh = seize_new_threads(d, t, err);

		if (fresh < 0)
			return -1;
		for (size_t i = 0; i < t->nr_threads;) {
			struct dump_thread *th = &t->threads[i];
			int got;

			if (!th->seized || th->stopped) {
				i++;
				continue;
			}
			got = settle_thread(d, th, until_us, err);
			if (got < 0)
				return img_wrap(err, "pid %d", t->pid);
			if (got == 0 && i > 0)
				dump_thread_drop(t, th);
			else
				i++;
		}
		if (!t->threads[0].seized)
			return leader_ended(t, err);
		if (fresh == 0)
			return 0;
	}
}

static bool is_fresh(const struct dump_task *t)
{
	return t->state == DUMP_TASK_ALIVE && !t->threads[0].seized;
}

static int freeze_fresh_tasks(struct dump *d, uint64_t until_us, struct img_err *err)
{
	for (size_t i = 0; i < d->tasks.nr;) {
		struct dump_task *t = d->tasks.items[i];

		if (is_fresh(t) && freeze_task(d, t, until_us, err) < 0)
			return -1;
		if (!t->state) {
			if (i == 0)
				return img_fail(err, IMG_SYS, "pid %d ended while it was being stopped", t->pid);
			if (dump_task_drop(d, t, err) < 0)
				return -1;
			continue;
		}
		/* Those found here are at the end of the list, and come later in this loop. */
		if (t->state != DUMP_TASK_ZOMBIE && dump_find_children(d, t, err) < 0)
			return -1;
		i++;
	}
	return 0;
}

/* ---- what a thread was doing ---- */

/* A thread that was stopped inside a restartable sequence (rseq(2)) goes on at its abort handler, as after any preemption;
 * the kernel would see to that only on the way back to that very place, and forgets it when calls are made meanwhile. */
static int leave_rseq(struct dump_thread *th, struct img_err *err)
{
	struct {
		uint32_t version, flags;
		uint64_t start_ip, post_commit_offset, abort_ip;
	} cs;
	struct {
		uint32_t cpu_id_start, cpu_id;
		uint64_t rseq_cs;
	} area;

	if (!th->rseq_addr)
		return 0;
	/* What is not there to be read, the kernel could not use either. */
	if (kern_vm_read(th->tid, th->rseq_addr, &area, sizeof(area), NULL) < 0 || !area.rseq_cs ||
		kern_vm_read(th->tid, area.rseq_cs, &cs, sizeof(cs), NULL) < 0)
		return 0;
	if (arch_regs_ip(&th->regs) - cs.start_ip >= cs.post_commit_offset)
		return 0;
	arch_regs_set_ip(&th->regs, cs.abort_ip);
	return kern_ptrace_set_regset(th->tid, NT_PRSTATUS, &th->regs, sizeof(th->regs), err);
}

static int capture_thread(struct dump_thread *th, struct img_err *err)
{
	struct dump_task *t = th->task;
	ssize_t got;

	got = kern_ptrace_get_regset(th->tid, NT_PRSTATUS, &th->regs, sizeof(th->regs), err);
	if (got < 0)
		return -1;
	if ((size_t)got != sizeof(th->regs))
		return img_fail(err, IMG_UNSUPPORTED, "thread %d runs 32-bit code", th->tid);
	if (kern_ptrace_get_sigmask(th->tid, &th->sigmask, err) < 0 ||
		kern_ptrace_get_rseq(th->tid, &th->rseq_addr, &th->rseq_size, &th->rseq_sig, &th->rseq_flags, err) < 0 ||
		kern_ptrace_peek_signals(th->tid, false, &th->pending.infos, &th->pending.nr, err) < 0)
		return -1;
	if (th == t->threads && kern_ptrace_peek_signals(th->tid, true, &t->pending.infos, &t->pending.nr, err) < 0)
		return -1;
	return leave_rseq(th, err);
}

static bool take_stop(struct dump_signals *queue)
{
	size_t kept = 0, nr = queue->nr;

	for (size_t i = 0; i < nr; i++)
		if (queue->infos[i].si_signo != SIGSTOP)
			queue->infos[kept++] = queue->infos[i];
	queue->nr = kept;
	return kept != nr;
}

/* A SIGSTOP on its way: the task is as good as stopped, and one that is stopped already will never see it, since SIGCONT takes
 * it away. So it is no pending signal. */
static void settle_stop(struct dump_task *t)
{
	const uint64_t bit = 1ull << (SIGSTOP - 1);
	bool found = take_stop(&t->pending);

	for_each_thread(t, th) {
		if (take_stop(&th->pending) || ((th->status.sig_pending | th->status.sig_shared_pending) & bit))
			found = true;
		th->own_stop = th->status.sig_pending & bit;
		th->status.sig_pending &= ~bit;
		th->status.sig_shared_pending &= ~bit;
	}
	if (found && t->state == DUMP_TASK_ALIVE) {
		t->state = DUMP_TASK_STOPPED;
		t->stop_signo = SIGSTOP;
	}
}

/* ---- the tree ---- */

int dump_freeze(struct dump *d, struct img_err *err)
{
	uint64_t start = dump_now_us();
	uint64_t until = d->opt->timeout ? start + d->opt->timeout * 1000000ull : 0;
	size_t before;

	if (undo_push(&d->undo, UNDO_ALWAYS, "let the tasks go", dump_unfreeze, NULL, err) < 0 || dump_tree_root(d, err) < 0)
		return -1;
	/* A child may have been given to a subreaper of the tree after that one was looked at, so once more when all is still. */
	do {
		before = d->tasks.nr;
		if (freeze_fresh_tasks(d, until, err) < 0)
			return -1;
	} while (d->tasks.nr != before);

	if (dump_tree_settle(d, err) < 0)
		return -1;
	for_each_live_task(d, t) {
		for_each_thread(t, th)
			if (capture_thread(th, err) < 0)
				return img_wrap(err, "pid %d", t->pid);
		settle_stop(t);
	}
	d->frozen_at_us = dump_now_us();
	d->stats.freezing_time = d->frozen_at_us - start;
	log_info(d->log, "%zu tasks stand still after %u us", d->tasks.nr, d->stats.freezing_time);
	return 0;
}

static int let_go(struct dump_thread *th, struct img_err *err)
{
	struct img_err why;
	struct kern_stop stop;
	int signo = 0;

	if (!th->seized)
		return 0;
	th->seized = false;
	if (!th->stopped) {
		/* It was told to stop, and has not been seen doing so yet. */
		int got = kern_wait_stop(th->tid, LET_GO_MS, &stop, &why);

		if (got < 0)
			return unless_gone(&why, err);
		/* Not even now: it sleeps where nothing wakes it. The kernel lets it go when this process ends. */
		if (got == 0 || stop.kind == KERN_STOP_EXITED || stop.kind == KERN_STOP_KILLED)
			return 0;
		if (stop.kind == KERN_STOP_SIGNAL)
			signo = stop.value;
	}
	if (kern_ptrace_resume(th->tid, PTRACE_DETACH, signo, &why) < 0)
		return unless_gone(&why, err);
	return 0;
}

int dump_unfreeze(struct dump *d, void *unused, struct img_err *err)
{
	int ret = 0;

	for_each_task(d, t) {
		for_each_thread(t, th) {
			struct img_err one = IMG_ERR_INIT;

			if (let_go(th, &one) == 0)
				continue;
			if (ret == 0 && err)
				*err = one;
			ret = -1;
		}
	}
	return ret;
}
