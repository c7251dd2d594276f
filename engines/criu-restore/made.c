/* engines/criu-restore/made.c -- the processes that a run has made, and their end when it fails. */

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "criu-restore/made.h"
#include "criu-restore/namespaces.h"
#include "criu-restore/stream.h"
#include "kernel/proc-stat.h"

enum {
	KILL_ROUNDS = 5000, /* of a millisecond and more */
};

void restore_made_set(struct restore_task *t, enum restore_made state)
{
	__atomic_store_n(t->made, state, __ATOMIC_SEQ_CST);
}

enum restore_made restore_made_get(const struct restore_task *t)
{
	return __atomic_load_n(t->made, __ATOMIC_SEQ_CST);
}

/* "killed by signal 11 (Segmentation fault)" */
static int ended(struct img_err *err, pid_t pid, int status)
{
	if (WIFSIGNALED(status))
		return img_fail(err, IMG_SYS,
			"pid %d: was killed by signal %d (%s) while it was being restored", pid,
			WTERMSIG(status), strsignal(WTERMSIG(status)));
	return img_fail(err, IMG_SYS, "pid %d: ended with status %d while it was being restored", pid,
		WEXITSTATUS(status));
}

int restore_made_check(struct restore *r, struct img_err *err)
{
	for (size_t i = 0; i < r->nr_tasks; i++) {
		struct restore_task *t = &r->tasks[i];
		struct kern_stat stat;

		if (restore_made_get(t) != MADE_RUNS)
			continue;
		if (!restore_here(t))
			continue; /* made, and has not said anything yet */
		if (kern_stat_read(restore_here(t), &stat, NULL) < 0)
			return img_fail(err, IMG_SYS, "pid %d: is gone while it was being restored", t->pid);
		if (stat.state == 'Z' || stat.state == 'X')
			return ended(err, t->pid, stat.exit_code);
	}
	return restore_stream_check(r, err);
}

/* A child of ours has ended. With the first process of a pid namespace all of it ends, before we hear of it. */
static void reaped(struct restore *r, pid_t pid)
{
	bool all = r->root->clone_flags & CLONE_NEWPID && pid == restore_here(r->root);

	for (size_t i = 0; i < r->nr_tasks; i++)
		if (all || restore_here(&r->tasks[i]) == pid)
			restore_made_set(&r->tasks[i], MADE_NOT);
}

/* Is there a process of ours still? Those that are our children, or became ours when their parent died, are
 * reaped. */
static size_t left(struct restore *r)
{
	size_t nr = 0;
	pid_t pid;

	while ((pid = waitpid(-1, NULL, WNOHANG | __WALL)) > 0)
		reaped(r, pid);
	if (pid == 0)
		nr++; /* children that have not been reaped */

	for (size_t i = 0; i < r->nr_tasks; i++) {
		struct restore_task *t = &r->tasks[i];
		struct kern_stat stat;

		if (restore_made_get(t) == MADE_NOT)
			continue;
		if (!restore_here(t)) {
			nr++; /* it has not said anything yet */
			continue;
		}
		/* Who reaps a process that is not our child (-S) is not our business. */
		if (kern_stat_read(restore_here(t), &stat, NULL) < 0 || stat.state == 'Z' || stat.state == 'X') {
			if (kill(restore_here(t), 0) < 0 || stat.ppid != r->front_pid)
				t == r->root ? reaped(r, restore_here(t)) : restore_made_set(t, MADE_NOT);
			continue;
		}
		nr++;
	}
	return nr;
}

int restore_made_kill(struct restore *r, struct img_err *err)
{
	size_t nr = 0;

	for (int round = 0; round < KILL_ROUNDS; round++) {
		for (size_t i = 0; i < r->nr_tasks; i++)
			if (restore_made_get(&r->tasks[i]) != MADE_NOT && restore_here(&r->tasks[i]))
				kill(restore_here(&r->tasks[i]), SIGKILL);
		nr = left(r);
		if (!nr)
			return 0;
		nanosleep(&(struct timespec){ .tv_nsec = (round < 20 ? 100 : 1000) * 1000 }, NULL);
	}
	return img_fail(err, IMG_SYS, "%zu processes could not be killed", nr);
}
