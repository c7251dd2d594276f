/* engines/task/seccomp/seccomp-restore.c -- how criu-restore puts a thread under seccomp(2): strict mode.
 *
 * A thread in strict mode could do nothing of what is left to be done, so it enters it as the last thing,
 * while the front has its rules suspended (PTRACE_O_SUSPEND_SECCOMP); they apply from the moment it is let
 * go.
 */

#include <errno.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>

#include "criu-restore/resume.h"
#include "criu-restore/task_ops.h"

static int seccomp_plan(struct restore *r, struct restore_task *t, struct img_err *err)
{
	const TaskCoreEntry *tc = t->core->tc;

	if (tc->has_old_seccomp_mode && tc->old_seccomp_mode != SECCOMP_MODE__disabled)
		return img_fail(err, IMG_UNSUPPORTED, "the mode of a whole task (CRIU before 3.0)");
	for (size_t i = 0; i < t->nr_threads; i++) {
		const ThreadCoreEntry *th = t->threads[i].core->thread_core;

		if (th->has_seccomp_mode && th->seccomp_mode == SECCOMP_MODE__filter)
			return img_fail(err, IMG_UNSUPPORTED, "thread %d: filters are not supported yet",
				t->threads[i].tid);
	}
	return 0;
}

static int seccomp_held(
	struct restore *r, struct restore_task *t, struct restore_thread *th, struct img_err *err)
{
	const ThreadCoreEntry *tc = th->core->thread_core;
	const uint64_t args[6] = { PR_SET_SECCOMP, SECCOMP_MODE_STRICT };
	int64_t ret;

	if (!tc->has_seccomp_mode || tc->seccomp_mode != SECCOMP_MODE__strict)
		return 0;
	if (kern_ptrace_options(th->tid, PTRACE_O_EXITKILL | PTRACE_O_SUSPEND_SECCOMP, err) < 0 ||
		restore_remote_call(r, t, th->tid, SYS_prctl, args, &ret, err) < 0)
		return -1;
	if (ret < 0) {
		errno = -ret;
		return img_fail_sys(err, "strict mode");
	}
	return 0;
}

extern const struct task_restore_ops seccomp_restore_ops;

const struct task_restore_ops seccomp_restore_ops = {
	.name = "seccomp",
	.plan = seccomp_plan,
	.held = seccomp_held,
};
