/* criu-dump/seize.c -- stop one task: all of its threads, those included that it makes meanwhile.
 *
 * Each thread is seized (which does not stop it) and interrupted, then waited for, until no new one shows
 * up.
 *
 * PTRACE_SEIZE and PTRACE_INTERRUPT leave no trace in the task: no signal is sent, a system call that
 * sleeps is left and made again by the kernel. A task that is stopped by a signal stays so, and is told
 * apart by the kind of its stop. If this process dies, the kernel lets all of them go.
 *
 * A thread that calls execve(2) meanwhile ends all others, and waits for those that we have seized until
 * we take note. So nothing here waits for one thread alone for long.
 */

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>

#include "criu-dump/spine.h"
#include "criuimg/cleanup.h"
#include "kernel/proc-file.h"
#include "kernel/ptrace.h"

enum {
	/* how long to wait for a thread before looking at the others, and whether the user has given up */
	SLICE_MS = 50,
};

int dump_unless_gone(const struct img_err *why, struct img_err *err)
{
	if (why->code == IMG_SYS &&
		(why->sys_errno == ESRCH || why->sys_errno == ENOENT || why->sys_errno == ECHILD))
		return 0;
	if (err)
		*err = *why;
	return -1;
}

/* ---- one thread ---- */

/* What came of an attempt. */
enum outcome {
	GONE, /* the thread has ended */
	DONE,
	NOT_YET, /* try again, after looking at the others */
};

/* The reason in words: the kernel says EPERM for all of them. */
static int explain_seize(struct dump_task *t, pid_t tid, const struct img_err *why, struct img_err *err)
{
	struct kern_status status = { .tracer = 0 };

	*err = *why;
	if (kern_status_read(t->pid, tid, &status, NULL) == 0)
		kern_status_free(&status);
	if (status.tracer)
		return img_fail(err, IMG_UNSUPPORTED, "pid %d: thread %d is being traced by pid %d", t->pid,
			tid, status.tracer);
	return img_wrap(err, "pid %d", t->pid);
}

/* Seize it and tell it to stop. An outcome, or -1. */
static int seize_thread(struct dump_thread *th, struct kern_seizer *s, struct img_err *err)
{
	struct img_err why;
	int got = kern_ptrace_seize(s, th->tid, 0, &why);

	/* A thread that is just ending is refused as well, and may have been another one's turn since
	 * (execve(2)). */
	if (got < 0 && why.sys_errno == EPERM)
		got = kern_ptrace_seize(s, th->tid, 0, &why);
	if (got == 0)
		return NOT_YET;
	if (got < 0) {
		struct kern_stat stat;

		if (dump_unless_gone(&why, NULL) == 0 || kern_stat_read(th->tid, &stat, NULL) < 0 ||
			stat.state == 'Z' || stat.state == 'X')
			return GONE;
		return explain_seize(th->task, th->tid, &why, err);
	}
	th->seized = true;
	if (kern_ptrace_interrupt(th->tid, &why) < 0 && dump_unless_gone(&why, err) < 0)
		return -1;
	return DONE;
}

/* See whether it stands still. An outcome, or -1. */
static int settle_thread(struct dump_thread *th, struct img_err *err)
{
	struct kern_stop stop;
	struct img_err why;
	int got = kern_wait_stop(th->tid, SLICE_MS, &stop, &why);

	if (got == 0)
		return NOT_YET;
	if (got < 0 && dump_unless_gone(&why, err) < 0)
		return -1;
	if (got < 0 || stop.kind == KERN_STOP_EXITED || stop.kind == KERN_STOP_KILLED) {
		th->seized = false;
		return GONE;
	}
	if (stop.kind == KERN_STOP_GROUP) {
		th->task->state = DUMP_TASK_STOPPED;
		th->task->stop_signo = stop.value;
	}
	if (stop.kind == KERN_STOP_GROUP || stop.kind == KERN_STOP_INTERRUPT) {
		th->stopped = true;
		return DONE;
	}
	/* A signal was on its way: the task gets it now, and stops afterwards. */
	if (kern_ptrace_resume(th->tid, PTRACE_CONT, stop.kind == KERN_STOP_SIGNAL ? stop.value : 0, &why) <
			0 &&
		dump_unless_gone(&why, err) < 0)
		return -1;
	return NOT_YET;
}

/* ---- one task ---- */

/* Threads that are known already, by number: there can be thousands. */
struct known {
	pid_t tid;
	size_t at;
};

static int by_tid(const void *a, const void *b)
{
	const struct known *x = a, *y = b;

	return x->tid < y->tid ? -1 : x->tid > y->tid;
}

static struct known *known_threads(const struct dump_task *t)
{
	struct known *known = calloc(t->nr_threads, sizeof(*known));

	for (size_t i = 0; known && i < t->nr_threads; i++)
		known[i] = (struct known){ t->threads[i].tid, i };
	if (known)
		qsort(known, t->nr_threads, sizeof(*known), by_tid);
	return known;
}

static struct dump_thread *thread_of(struct dump_task *t, const struct known *known, size_t nr_known, pid_t tid)
{
	const struct known *k = bsearch(&(struct known){ .tid = tid }, known, nr_known, sizeof(*known), by_tid);

	/* One before it may have been dropped meanwhile. */
	for (size_t at = k ? k->at + 1 : 0; at-- > 0;)
		if (at < t->nr_threads && t->threads[at].tid == tid)
			return &t->threads[at];
	return NULL;
}

/* Threads in /proc that are not ours yet. */
int dump_seize_threads(struct dump_task *t, struct kern_seizer *s, struct img_err *err)
{
	cleanup_free struct known *known = known_threads(t);
	size_t nr_known = t->nr_threads, nr;
	cleanup_free int *tids = NULL;
	struct img_err why;
	int fresh = 0;

	if (!known)
		return img_fail_nomem(err);

	if (kern_proc_numbers(&tids, &nr, &why, "/proc/%d/task", t->pid) < 0)
		return dump_unless_gone(&why, err);
	for (size_t i = 0; i < nr; i++) {
		struct dump_thread *th = thread_of(t, known, nr_known, tids[i]);
		int got;

		if (th && th->seized)
			continue;
		if (!th)
			th = dump_thread_new(t, tids[i], err);
		if (!th)
			return -1;
		got = seize_thread(th, s, err);
		if (got < 0)
			return -1;
		if (got != DONE && th != t->threads)
			dump_thread_drop(t, th);
		fresh += got != GONE;
		if (got == NOT_YET)
			break;
	}
	return fresh;
}

/* A thread that waits in vfork(2) cannot be stopped: it goes on when its child, which has its memory meanwhile, ends or runs a program. */
static bool is_in_vfork(const struct dump_thread *th)
{
	cleanup_free char *call = kern_proc_read(NULL, NULL, "/proc/%d/syscall", th->tid);
	long nr = -1;
	unsigned long long flags = 0;

	if (!call || sscanf(call, "%ld %llx", &nr, &flags) < 1)
		return false;
	return nr == SYS_vfork || (nr == SYS_clone && flags & CLONE_VFORK);
}

static int too_late(struct dump *d, struct dump_thread *th, struct img_err *err)
{
	struct kern_stat stat = { .state = '?' };

	kern_stat_read(th->tid, &stat, NULL);
	if (is_in_vfork(th))
		return img_fail(err, IMG_UNSUPPORTED, "thread %d does not stop within %u s: it waits in vfork(2) for its child", th->tid,
			d->opt->timeout);
	return img_fail(err, IMG_SYS, "thread %d does not stop within %u s (state %c)", th->tid,
		d->opt->timeout, stat.state);
}

/* One look at each thread that does not stand still yet. Returns how many of them there are left, or -1. */
static int settle_threads(struct dump *d, struct dump_task *t, uint64_t until_us, struct img_err *err)
{
	int left = 0;

	for (size_t i = 0; i < t->nr_threads;) {
		struct dump_thread *th = &t->threads[i];
		int got = th->seized && !th->stopped ? settle_thread(th, err) : DONE;

		if (got < 0)
			return -1;
		if (got == NOT_YET) {
			left++;
			if (dump_go_on(d, err) < 0)
				return -1;
			if (until_us && dump_now_us() > until_us)
				return too_late(d, th, err);
		}
		if (got == GONE && i > 0)
			dump_thread_drop(t, th);
		else
			i++;
	}
	return left;
}

/* Its leader has ended: all of it has, or the others go on without it, or another thread has become it
 * (execve(2)): then 1, and it is all to be done again. */
static int leader_ended(struct dump_task *t, struct img_err *err)
{
	struct kern_stat stat;
	struct img_err why;

	if (kern_stat_read(t->pid, &stat, &why) < 0) {
		if (dump_unless_gone(&why, err) < 0)
			return -1;
		t->state = 0; /* and was waited for: there is nothing */
		return 0;
	}
	if (stat.state != 'Z' && stat.state != 'X')
		return 1;
	if (stat.num_threads > 1 || t->nr_threads > 1)
		return img_fail(err, IMG_UNSUPPORTED, "its first thread has ended while others run");
	t->state = DUMP_TASK_ZOMBIE;
	return 0;
}

int dump_seize_task(
	struct dump *d, struct dump_task *t, struct kern_seizer *s, uint64_t until_us, struct img_err *err)
{
	if (!t->threads[0].seized && dump_plugins_pause(d, t->pid, err) < 0)
		return -1;
	for (;;) {
		int fresh, left, again = 0;

		fresh = dump_seize_threads(t, s, err);
		if (fresh < 0)
			return -1;
		do
			left = settle_threads(d, t, until_us, err);
		while (left > 0 && t->threads[0].seized);
		if (left < 0)
			return img_wrap(err, "pid %d", t->pid);
		if (!t->threads[0].seized) {
			again = leader_ended(t, err);
			if (again < 0)
				return img_wrap(err, "pid %d", t->pid);
			if (again == 0)
				return 0;
			t->threads[0].stopped = false;
		}
		if (fresh == 0 && !again)
			return 0;
		if (dump_go_on(d, err) < 0)
			return -1;
		if (until_us && dump_now_us() > until_us) {
			too_late(d, &t->threads[0], err);
			return img_wrap(err, "pid %d", t->pid);
		}
	}
}
