/* engines/criu-restore/tree.c -- making the processes, and their life up to the blob.
 *
 * Every function here but the last runs in the task it is about.
 */

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "criu-restore/cgroups.h"
#include "criu-restore/files.h"
#include "criu-restore/handoff.h"
#include "criu-restore/join.h"
#include "criu-restore/made.h"
#include "criu-restore/namespaces.h"
#include "criu-restore/stage.h"
#include "criu-restore/steps.h"
#include "criu-restore/tree.h"
#include "criuimg/cleanup.h"
#include "kernel/clone.h"

static void live(struct restore *r, struct restore_task *t) __attribute__((noreturn));

/* Who has a pid that we need. */
int restore_pid_taken(pid_t pid, struct img_err *err)
{
	char path[64], comm[32] = "";
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/comm", pid);
	f = fopen(path, "re");
	if (f) {
		if (fgets(comm, sizeof(comm), f))
			comm[strcspn(comm, "\n")] = 0;
		fclose(f);
	}
	errno = EEXIST;
	img_fail(err, IMG_SYS, "pid %d is in use here%s%s", pid, *comm ? " by " : "", comm);
	err->sys_errno = EEXIST;
	return -1;
}

/* Returns in the maker; the new task does not come back. */
static int make(struct restore *r, struct restore_task *t, struct img_err *err)
{
	pid_t pid;

	log_info(r->log, "pid %d: made by pid %d (flags %#x)", t->pid, getpid(), t->clone_flags);
	pid = kern_clone(t->clone_flags, t->pid, t->exit_signal);
	if (pid == 0)
		live(r, t);
	if (pid < 0) {
		if (errno == EEXIST)
			return restore_pid_taken(t->pid, err);
		return img_fail_sys(err, "pid %d: clone3", t->pid);
	}
	if (t == r->root)
		*t->here = (uint32_t)pid; /* its maker is the front */
	if (restore_made_get(t) == MADE_NOT)
		restore_made_set(t, MADE_RUNS);
	return 0;
}

/* Tables that are others' from here on: a copy for this one. */
static int leave(unsigned flags, struct img_err *err)
{
	if (flags && unshare((int)flags) < 0)
		return img_fail_sys(err, "leave what others share (%#x)", flags);
	return 0;
}

static int make_others(struct restore *r, struct restore_task *t, bool before_setsid, struct img_err *err)
{
	for (struct restore_task *o = t->made_first; o; o = o->made_next) {
		if (o->born_before_setsid != before_setsid)
			continue;
		if (leave(o->unshare_first, err) < 0 || make(r, o, err) < 0)
			return -1;
	}
	return 0;
}

static int join(struct restore *r, struct restore_task *t, struct img_err *err)
{
	pid_t pgid = t->group_external ? r->front_pgid : t->pgid;

	/* Born in it, most of the time. A group of another pid namespace has no number here. */
	if (getpgrp() == pgid || !pgid)
		return 0;
	if (setpgid(0, pgid) < 0)
		return img_fail_sys(err, "process group %d", pgid);
	return 0;
}

/* Session, group, children: everything that makes the tree a tree. */
static int grow(struct restore *r, struct restore_task *t, struct img_err *err)
{
	if (restore_task_lives(t) && restore_steps_task(r, MOMENT_BEFORE_FORK, t, err) < 0)
		return -1;
	if (t->adopts && prctl(PR_SET_CHILD_SUBREAPER, 1) < 0)
		return img_fail_sys(err, "become a reaper");
	if (make_others(r, t, true, err) < 0)
		return -1;
	if (t->leads_session && setsid() < 0)
		return img_fail_sys(err, "setsid");
	if (t->leads_session && restore_task_lives(t) && restore_ttys_attach(r, t, err) < 0)
		return -1;
	if (t->makes_group && setpgid(0, 0) < 0)
		return img_fail_sys(err, "process group of its own");
	if (make_others(r, t, false, err) < 0 || leave(t->unshare_last, err) < 0 || restore_stage_pass(r, STAGE_JOIN, err) < 0)
		return -1;
	if (t->joins_group && !t->moves_group && join(r, t, err) < 0)
		return -1;
	if (r->moves) {
		if (restore_stage_pass(r, STAGE_MOVE, err) < 0)
			return -1;
		if (t->moves_group && join(r, t, err) < 0)
			return -1;
	}
	return restore_stage_pass(r, STAGE_END, err);
}

/* The way a zombie went: a status of wait(2). */
static void die(const struct restore_task *t) __attribute__((noreturn));
static void die(const struct restore_task *t)
{
	int status = t->state == RESTORE_ZOMBIE ? t->core->tc->exit_code : 0;
	int sig = status & 0x7f;

	if (sig) {
		sigset_t all;

		/* No core file, whatever the signal. */
		setrlimit(RLIMIT_CORE, &(struct rlimit){ 0, 0 });
		sigfillset(&all);
		kill(getpid(), sig);
		sigprocmask(SIG_UNBLOCK, &all, NULL);
		kill(getpid(), SIGKILL); /* the signal was one that does not kill */
	}
	_exit(status >> 8 & 0xff);
}

/* For what nobody tells us of and will not take long. */
static int nap(struct restore *r, struct img_err *err)
{
	nanosleep(&(struct timespec){ .tv_nsec = 50 * 1000 }, NULL);
	return restore_has_failed(r) ? img_fail(err, IMG_SYS, "another process of the run failed") : 0;
}

/* Children that end must have ended before this task's own signal handlers exist: SIGCHLD would be seen by
 * them. */
static int see_them_end(struct restore *r, struct restore_task *t, struct img_err *err)
{
	/* The helper that made this task is about to end, if it has not. */
	while (t->adopted && getppid() != t->ppid)
		if (nap(r, err) < 0)
			return -1;
	for (size_t i = 0; i < r->nr_tasks; i++) {
		struct restore_task *o = &r->tasks[i];
		siginfo_t info;

		if (o->parent != t || restore_task_lives(o))
			continue;
		/* Whatever signal they tell their end with. */
		while (waitid(P_PID, o->pid, &info,
			       __WALL | WEXITED | (o->state == RESTORE_ZOMBIE ? WNOWAIT : 0)) < 0) {
			if (errno != ECHILD || !o->adopted) /* not ours yet */
				return img_fail_sys(err, "wait for %d to end", o->pid);
			if (nap(r, err) < 0)
				return -1;
		}
		if (o->state == RESTORE_HELPER)
			restore_made_set(o, MADE_NOT);
	}
	return 0;
}

static int furnish(struct restore *r, struct restore_task *t, struct img_err *err)
{
	if (see_them_end(r, t, err) < 0 || restore_files_make(r, t, err) < 0 ||
		restore_stage_pass(r, STAGE_FETCH, err) < 0 || restore_files_fetch(r, t, err) < 0 ||
		restore_stage_pass(r, STAGE_FINISH, err) < 0 || restore_files_finish(r, t, err) < 0)
		return -1;
	return restore_steps_task(r, MOMENT_AFTER_FORK, t, err);
}

static void live(struct restore *r, struct restore_task *t)
{
	struct img_err err = IMG_ERR_INIT;

	restore_made_set(t, MADE_RUNS);
	if (getpid() != t->pid)
		img_fail(&err, IMG_SYS, "came to life as pid %d", getpid());
	else if (restore_ns_here(r, t, &err) < 0)
		;
	else if (r->opt->log_pid &&
		 log_reopen_for_pid(r->log, r->work_dirfd, r->opt->log_file, t->pid, &err) < 0)
		;
	else if (t == r->root && (restore_stage_pass(r, STAGE_NS, &err) < 0 || restore_ns_make(r, &err) < 0 ||
					 restore_stage_pass(r, STAGE_FORK, &err) < 0))
		;
	else if (restore_ns_enter(r, t, &err) < 0 || restore_cgroups_enter(r, t, &err) < 0)
		;
	else if (grow(r, t, &err) < 0)
		;
	else if (!restore_task_lives(t)) {
		restore_made_set(t, MADE_ENDS);
		if (t->state == RESTORE_ZOMBIE)
			prctl(PR_SET_NAME, t->core->tc->comm);
		die(t);
	} else if (furnish(r, t, &err) == 0) {
		restore_handoff(r, t, &err);
	}
	/* Only a failure comes here. The front kills; to end would look like a crash, if it looked just
	 * then. */
	restore_fail_note(r, t->pid, &err);
	restore_rest(r);
}

int restore_tree_start(struct restore *r, struct img_err *err)
{
	int ret;

	if (restore_join_pid(r, err) < 0)
		return -1;
	ret = make(r, r->root, err);
	return restore_join_pid_leave(r, ret < 0 ? NULL : err) < 0 ? -1 : ret;
}
