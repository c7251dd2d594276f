/* criu-dump/finish.c -- what becomes of the tasks when all is written: they are killed, left stopped, or
 * run on. */

#include <errno.h>
#include <signal.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "criu-dump/freezer.h"
#include "criu-dump/spine.h"
#include "kernel/ptrace.h"

enum {
	/* for a thread to end that was killed: it may have gigabytes of memory to give back */
	DIE_MS = 60000,
	STOP_MS = 2000, /* for a task to stop that was told to */
};

static int wait_gone(struct dump_thread *th, struct img_err *err)
{
	struct kern_stop stop;
	struct img_err why;

	if (!th->seized)
		return 0;
	for (;;) {
		int got = kern_wait_stop(th->tid, DIE_MS, &stop, &why);

		if (got < 0 && why.sys_errno != ECHILD) {
			*err = why;
			return -1;
		}
		if (got < 0)
			break;
		if (got == 0)
			return img_fail(err, IMG_SYS, "thread %d was killed and does not end", th->tid);
		if (stop.kind == KERN_STOP_EXITED || stop.kind == KERN_STOP_KILLED)
			break;
	}
	th->seized = false;
	return 0;
}

static int kill_tree(struct dump *d, struct img_err *err)
{
	for_each_live_task(d, t)
		if (syscall(SYS_pidfd_send_signal, t->pidfd, SIGKILL, NULL, 0) < 0 && errno != ESRCH)
			return img_fail_sys(err, "pid %d: kill", t->pid);
	/* The kernel tells the end of a leader when those of its threads have been taken note of, and the first process of a pid
	 * namespace ends after all others. */
	for (size_t k = d->tasks.nr; k-- > 0;) {
		struct dump_task *t = d->tasks.items[k];

		for (size_t i = t->state == DUMP_TASK_ZOMBIE ? 0 : t->nr_threads; i-- > 0;)
			if (wait_gone(&t->threads[i], err) < 0)
				return img_wrap(err, "pid %d", t->pid);
	}
	return 0;
}

static int wait_stopped(struct dump_task *t, struct img_err *err)
{
	const struct timespec ms = { 0, 1000000 };
	struct kern_stat stat;

	for (int i = 0; i < STOP_MS; i++) {
		if (kern_stat_read(t->pid, &stat, err) < 0)
			return -1;
		if (stat.state == 'T' || stat.state == 'Z' || stat.state == 'X')
			return 0;
		nanosleep(&ms, NULL);
	}
	return img_fail(err, IMG_SYS, "it does not stop");
}

static int leave_stopped(struct dump *d, struct img_err *err)
{
	for_each_live_task(d, t)
		if (t->state == DUMP_TASK_ALIVE &&
			syscall(SYS_pidfd_send_signal, t->pidfd, SIGSTOP, NULL, 0) < 0 && errno != ESRCH)
			return img_fail_sys(err, "pid %d: stop", t->pid);
	if (dump_unfreeze(d, NULL, err) < 0)
		return -1;
	for_each_live_task(d, t)
		if (!dump_freezer_was_frozen(d) && wait_stopped(t, err) < 0)
			return img_wrap(err, "pid %d", t->pid);
	return 0;
}

int dump_finish(struct dump *d, struct img_err *err)
{
	int ret;

	/* From here on there is no way back: whoever gave up before this has his tasks, whoever does now
	 * is too late. */
	if (dump_go_on(d, err) < 0)
		return -1;
	if (d->opt->leave_running && dump_plugins_resume(d, err) < 0)
		return -1;
	if (d->opt->leave_running)
		ret = dump_unfreeze(d, NULL, err);
	else if (d->opt->leave_stopped)
		ret = leave_stopped(d, err);
	else
		ret = kill_tree(d, err);
	if (!d->running)
		d->stats.frozen_time = dump_now_us() - d->frozen_at_us;
	return ret;
}
