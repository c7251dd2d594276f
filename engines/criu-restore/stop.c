/* engines/criu-restore/stop.c -- tasks that are stopped in the image: stopped by a signal again, before
 * anything runs.
 *
 * A stop is news to the parent: the kernel sends it SIGCHLD. In the image that is long past, so while its
 * children stop a parent has SA_NOCLDSTOP set, and its real action for SIGCHLD afterwards, by a call made in
 * it from outside.
 */

#include <errno.h>
#include <signal.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>

#include "criu-restore/resume.h"
#include "criu-restore/stop.h"
#include "kernel/ptrace.h"

/* As the kernel has it: include/linux/signal_types.h. */
struct kernel_sigaction {
	uint64_t handler, flags, restorer, mask;
};

/* Actions of a record are in the order of the signals, less SIGKILL and SIGSTOP. */
static const SaEntry *action_of(const struct restore_task *t, int sig)
{
	size_t i = sig - 1 - (sig > SIGKILL) - (sig > SIGSTOP);

	return i < t->core->tc->n_sigactions ? t->core->tc->sigactions[i] : NULL;
}

static bool has_stopped_child(const struct restore *r, const struct restore_task *t)
{
	for (size_t i = t->index + 1; i < r->nr_tasks; i++)
		if (r->tasks[i].parent == t && r->tasks[i].state == RESTORE_STOPPED)
			return true;
	return false;
}

uint64_t restore_stop_quiet(const struct restore *r, const struct restore_task *t)
{
	return r->stop_action && has_stopped_child(r, t) ? SA_NOCLDSTOP : 0;
}

int restore_stop_plan(struct restore *r, struct img_err *err)
{
	/* --leave-stopped: as if all of them had been stopped. */
	for (size_t i = 0; r->opt->leave_stopped && i < r->nr_tasks; i++)
		if (r->tasks[i].state == RESTORE_ALIVE)
			r->tasks[i].state = RESTORE_STOPPED;
	for (size_t i = 0; i < r->nr_tasks && !r->stop_action; i++)
		if (r->tasks[i].state == RESTORE_STOPPED) {
			r->stop_action = restore_shared_alloc(r, sizeof(struct kernel_sigaction), err);
			if (!r->stop_action)
				return -1;
		}
	return 0;
}

/* Signals of the terminal do nothing in an orphaned group: one of whose members none has its parent in
 * another group of the session (setpgid(2), kernel/exit.c: will_become_orphaned_pgrp). */
static bool group_orphaned(const struct restore *r, const struct restore_task *t)
{
	for (size_t i = 0; i < r->nr_tasks; i++) {
		const struct restore_task *o = &r->tasks[i];

		if (o->pgid == t->pgid && restore_task_lives(o) && o->parent && o->parent->pgid != t->pgid &&
			o->parent->sid == o->sid)
			return false;
	}
	return true;
}

/* The signal that stopped it, if that would again; SIGSTOP always does. */
static int stop_signal(const struct restore *r, const struct restore_task *t)
{
	const TaskCoreEntry *tc = t->core->tc;
	int sig = tc->has_stop_signo ? tc->stop_signo : SIGSTOP;
	const SaEntry *sa;

	if (sig != SIGTSTP && sig != SIGTTIN && sig != SIGTTOU)
		return SIGSTOP;
	sa = action_of(t, sig);
	if ((sa && sa->sigaction) || restore_sigmask(t, &t->threads[0]) & 1ull << (sig - 1) ||
		t->nr_threads > 1 || group_orphaned(r, t))
		return SIGSTOP;
	return sig;
}

int restore_stop_task(struct restore *r, struct restore_task *t, struct img_err *err)
{
	int sig = stop_signal(r, t);

	/* Nothing that is pending may come first, and undo the stop or be delivered. */
	for (size_t i = 0; i < t->nr_threads; i++)
		if (kern_ptrace_set_sigmask(t->threads[i].here, ~(1ull << (sig - 1)), err) < 0)
			return img_wrap(err, "pid %d", t->pid);
	/* The leader takes the signal on its way out of our stop, before it runs: seen once more by us, then
	 * it counts. The other threads follow it into the stop of the group, which is whole when all of them
	 * are there. */
	if (tgkill(restore_here(t), restore_here(t), sig) < 0)
		return img_fail_sys(err, "pid %d: stop it", t->pid);
	if (kern_ptrace_resume(restore_here(t), PTRACE_CONT, 0, err) < 0 ||
		restore_held_wait(t, restore_here(t), KERN_STOP_SIGNAL, err) < 0 ||
		kern_ptrace_resume(restore_here(t), PTRACE_CONT, sig, err) < 0)
		return img_wrap(err, "pid %d: stop it", t->pid);
	for (size_t i = 1; i < t->nr_threads; i++)
		if (kern_ptrace_resume(t->threads[i].here, PTRACE_CONT, 0, err) < 0)
			return img_wrap(err, "pid %d: stop it", t->pid);
	for (size_t i = 0; i < t->nr_threads; i++)
		if (restore_held_wait(t, t->threads[i].here, KERN_STOP_GROUP, err) < 0)
			return img_wrap(err, "stop it");
	for (size_t i = 0; i < t->nr_threads; i++)
		if (kern_ptrace_set_sigmask(t->threads[i].here, restore_sigmask(t, &t->threads[i]), err) < 0)
			return img_wrap(err, "pid %d", t->pid);
	return 0;
}

int restore_stop_done(struct restore *r, struct restore_task *t, struct img_err *err)
{
	const uint64_t args[6] = { SIGCHLD, (uintptr_t)r->stop_action, 0, sizeof(uint64_t) };
	const SaEntry *sa = action_of(t, SIGCHLD);
	int64_t ret;

	if (!restore_stop_quiet(r, t))
		return 0;
	/* Shared memory is at the same address in all processes. */
	*(struct kernel_sigaction *)r->stop_action = (struct kernel_sigaction){
		sa ? sa->sigaction : 0,
		sa ? sa->flags : 0,
		sa ? sa->restorer : 0,
		sa ? sa->mask : 0,
	};
	if (restore_remote_call(r, t, restore_here(t), SYS_rt_sigaction, args, &ret, err) < 0)
		return img_wrap(err, "pid %d: action of SIGCHLD", t->pid);
	if (ret < 0) {
		errno = -ret;
		return img_fail_sys(err, "pid %d: action of SIGCHLD", t->pid);
	}
	return 0;
}
