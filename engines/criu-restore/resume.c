/* engines/criu-restore/resume.c -- the last act: taking all threads out of the blob, and letting them run.
 *
 * A thread cannot unmap the code it runs in and go on, so the front does the rest from outside: each thread
 * is stopped where it waits in the blob; the leader makes one more call there, munmap(2) of the whole
 * scratch; then the registers and the signal mask are those of the image. Until the first is let go nothing
 * of the tree has run, so all this may still fail; should the front be killed, so are they
 * (PTRACE_O_EXITKILL).
 */

#include <errno.h>
#include <signal.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>

#include "criu-restore/namespaces.h"
#include "criu-restore/resume.h"
#include "criu-restore/stop.h"
#include "criu-restore/task_ops.h"
#include "parasite/arch/regs.h"
#include "parasite/arch/thread.h"
#include "parasite/restore-code.h"

enum {
	STOP_TIMEOUT_MS = 10 * 1000,
};

#define for_each_live_thread(r, t, th)                                                                       \
	for (struct restore_task *t = (r)->tasks; t < (r)->tasks + (r)->nr_tasks; t++)                       \
		if (restore_task_lives(t))                                                                   \
			for (struct restore_thread *th = t->threads; th < t->threads + t->nr_threads; th++)

int restore_held_wait(struct restore_task *t, pid_t tid, enum kern_stop_kind wanted, struct img_err *err)
{
	struct kern_stop stop;
	int ret = kern_wait_stop(tid, STOP_TIMEOUT_MS, &stop, err);

	if (ret < 0)
		return img_wrap(err, "pid %d: thread %d", t->pid, tid);
	if (ret == 0)
		return img_fail(err, IMG_SYS, "pid %d: thread %d does not stop", t->pid, tid);
	if (stop.kind != wanted)
		return img_fail(err, IMG_SYS, "pid %d: thread %d: %s (%d) where %s was expected", t->pid, tid,
			kern_stop_name(stop.kind), stop.value, kern_stop_name(wanted));
	return 0;
}

static int call_step(struct restore_task *t, pid_t tid, struct img_err *err)
{
	if (kern_ptrace_resume(tid, PTRACE_SYSCALL, 0, err) < 0)
		return -1;
	return restore_held_wait(t, tid, KERN_STOP_SYSCALL, err);
}

int restore_remote_call(struct restore *r, struct restore_task *t, pid_t tid, int64_t nr,
	const uint64_t args[6], int64_t *result, struct img_err *err)
{
	uint64_t addr = r->blob_code + arch_find_syscall(restore_blob_code, restore_blob_size);
	struct arch_regs regs;

	if (arch_thread_get(tid, &regs, err) < 0)
		return -1;
	arch_regs_call(&regs, addr, nr, args);
	if (arch_thread_set(tid, &regs, err) < 0)
		return -1;
	if (call_step(t, tid, err) < 0 || call_step(t, tid, err) < 0) /* in, and out */
		return -1;
	if (arch_thread_get(tid, &regs, err) < 0)
		return -1;
	*result = arch_regs_result(&regs);
	return 0;
}

/* The blob, its tapes, shared memory, what is left of premapped memory: one range. */
static int unmap_scratch(struct restore *r, struct restore_task *t, struct img_err *err)
{
	const uint64_t args[6] = { r->scratch.start, r->scratch.end - r->scratch.start };
	int64_t ret;

	if (restore_remote_call(r, t, restore_here(t), SYS_munmap, args, &ret, err) < 0)
		return img_wrap(err, "pid %d: unmap the blob", t->pid);
	if (ret < 0) {
		errno = -ret;
		return img_fail_sys(err, "pid %d: unmap the blob", t->pid);
	}
	return 0;
}

static int rooms(struct restore *r, struct restore_task *t, struct restore_thread *th, bool resume,
	struct img_err *err)
{
	for (size_t k = 0; k < restore_nr_task_rooms; k++) {
		const struct task_restore_ops *room = restore_task_rooms[k];
		int (*fn)(struct restore *, struct restore_task *, struct restore_thread *,
			struct img_err *) = resume ? room->resume : room->held;

		if (fn && fn(r, t, th, err) < 0)
			return img_wrap(err, "pid %d: thread %d: %s", t->pid, th->tid, room->name);
	}
	return 0;
}

/* Its memory is whole and all its own, its threads are as in the image. */
static int finish_task(struct restore *r, struct restore_task *t, struct img_err *err)
{
	for (size_t i = 0; i < t->nr_threads; i++)
		if (rooms(r, t, &t->threads[i], false, err) < 0)
			return -1;
	if (unmap_scratch(r, t, err) < 0)
		return -1;
	for (size_t i = 0; i < t->nr_threads; i++)
		if (rooms(r, t, &t->threads[i], true, err) < 0)
			return -1;
	return 0;
}

int restore_hold(struct restore *r, struct img_err *err)
{
	if (restore_threads_here(r, err) < 0)
		return -1;
	/* All are asked before the first is waited for: they stop side by side. */
	for_each_live_thread(r, t, th) if (kern_ptrace_seize(NULL, th->here, PTRACE_O_EXITKILL, err) < 0 ||
					   kern_ptrace_interrupt(th->here, err) < 0) return img_wrap(err,
		"pid %d: thread %d", t->pid, th->tid);
	for_each_live_thread(
		r, t, th) if (restore_held_wait(t, th->here, KERN_STOP_INTERRUPT, err) < 0) return -1;
	/* Children that are stopped before their parents: these may have to be told where their SIGCHLD goes,
	 * while they still have a blob to call from. One that is stopped itself never hears of it before it
	 * is continued. */
	for (size_t i = r->nr_tasks; i-- > 0;) {
		struct restore_task *t = &r->tasks[i];

		if (t->state != RESTORE_STOPPED)
			continue;
		if (restore_stop_done(r, t, err) < 0 || finish_task(r, t, err) < 0 ||
			restore_stop_task(r, t, err) < 0)
			return -1;
	}
	for (size_t i = 0; i < r->nr_tasks; i++) {
		struct restore_task *t = &r->tasks[i];

		if (t->state == RESTORE_ALIVE &&
			(restore_stop_done(r, t, err) < 0 || finish_task(r, t, err) < 0))
			return -1;
	}
	return 0;
}

int restore_release(struct restore *r, struct img_err *err)
{
	int ret = 0;

	/* From here on our end would be their release and not their death: in one quick pass, before the
	 * first of them wakes up and wants our CPU. */
	for_each_live_thread(r, t, th) kern_ptrace_options(th->here, 0, NULL);
	for_each_live_thread(r, t, th)
	{
		struct img_err one = IMG_ERR_INIT;

		/* One that was killed just now is gone: not ours to judge. */
		if (kern_ptrace_resume(th->here, PTRACE_DETACH, 0, &one) == 0 || one.sys_errno == ESRCH)
			continue;
		if (ret == 0 && err)
			*err = one;
		ret = -1;
	}
	return ret;
}
