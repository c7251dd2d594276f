/* criu-dump/freeze.c -- stop a tree of tasks, so that nothing in it changes; and let it go again.
 *
 * Task by task (seize.c); when all threads of a task stand still, it makes no more threads or children,
 * and those it has are looked for. That goes on until a whole round finds nothing new. Then what only a
 * stopped thread shows is taken down: registers, signals, rseq.
 */

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/ptrace.h>

#include "criu-dump/freezer.h"
#include "criu-dump/spine.h"
#include "criuimg/cleanup.h"
#include "kernel/ptrace.h"
#include "parasite/arch/thread.h"

enum {
	LET_GO_MS = 2000,
};

IMG_DEFINE_CLEANUP(struct kern_seizer *, kern_seizer_free);

int dump_go_on(struct dump *d, struct img_err *err)
{
	struct pollfd p = { .fd = d->front, .events = POLLIN };

	if (d->front >= 0 && poll(&p, 1, 0) > 0)
		return img_fail(err, IMG_SYS, "stopped by the user");
	return 0;
}

static bool is_fresh(const struct dump_task *t)
{
	return t->state == DUMP_TASK_ALIVE && !t->threads[0].stopped;
}

static int freeze_fresh_tasks(struct dump *d, struct kern_seizer *s, uint64_t until_us, struct img_err *err)
{
	for (size_t i = 0; i < d->tasks.nr;) {
		struct dump_task *t = d->tasks.items[i];

		if (is_fresh(t) && dump_seize_task(d, t, s, until_us, err) < 0)
			return -1;
		if (!t->state) {
			if (i == 0)
				return img_fail(
					err, IMG_SYS, "pid %d ended while it was being stopped", t->pid);
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

/* A thread that was stopped inside a restartable sequence (rseq(2)) goes on at its abort handler, as after
 * any preemption; the kernel would see to that only on the way back to that very place, and forgets it
 * when calls are made meanwhile. */
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
	return arch_thread_set(th->tid, &th->regs, err);
}

static int capture_thread(struct dump_thread *th, struct img_err *err)
{
	struct dump_task *t = th->task;

	if (arch_thread_get(th->tid, &th->regs, err) < 0)
		return -1;
	if (kern_ptrace_get_sigmask(th->tid, &th->sigmask, err) < 0 ||
		kern_ptrace_get_rseq(
			th->tid, &th->rseq_addr, &th->rseq_size, &th->rseq_sig, &th->rseq_flags, err) < 0 ||
		kern_ptrace_peek_signals(th->tid, false, &th->pending.infos, &th->pending.nr, err) < 0)
		return -1;
	if (th == t->threads &&
		kern_ptrace_peek_signals(th->tid, true, &t->pending.infos, &t->pending.nr, err) < 0)
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

/* A SIGSTOP on its way: the task is as good as stopped, and one that is stopped already will never see it,
 * since SIGCONT takes it away. So it is no pending signal. */
static void settle_stop(struct dump_task *t)
{
	const uint64_t bit = 1ull << (SIGSTOP - 1);
	bool found = take_stop(&t->pending);

	for_each_thread(t, th) {
		if (take_stop(&th->pending) ||
			((th->status.sig_pending | th->status.sig_shared_pending) & bit))
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
	cleanup_with(kern_seizer_free) struct kern_seizer *seizer = kern_seizer_new(err);
	uint64_t start = dump_now_us();
	uint64_t until = d->opt->timeout ? start + d->opt->timeout * 1000000ull : 0;
	size_t before;

	if (!seizer || dump_freezer_open(d, err) < 0 || undo_push(&d->undo, UNDO_ALWAYS, "let the tasks go", dump_unfreeze, NULL, err) < 0 ||
		dump_tree_root(d, err) < 0 || dump_freezer_seize(d, seizer, until, err) < 0)
		return -1;
	/* A child may have been given to a subreaper of the tree after that one was looked at, so once
	 * more when all is still. */
	do {
		before = d->tasks.nr;
		if (freeze_fresh_tasks(d, seizer, until, err) < 0)
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
			return dump_unless_gone(&why, err);
		/* Not even now: it sleeps where nothing wakes it. The kernel lets it go when this process
		 * ends. */
		if (got == 0 || stop.kind == KERN_STOP_EXITED || stop.kind == KERN_STOP_KILLED)
			return 0;
		if (stop.kind == KERN_STOP_SIGNAL)
			signo = stop.value;
	}
	if (kern_ptrace_resume(th->tid, PTRACE_DETACH, signo, &why) < 0)
		return dump_unless_gone(&why, err);
	return 0;
}

int dump_unfreeze(struct dump *d, void *unused, struct img_err *err)
{
	int ret = undo_to_run(d, err);

	if (dump_freezer_back(d, ret < 0 ? NULL : err) < 0)
		ret = -1;
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
