/* engines/task/seccomp/seccomp-restore.c -- seccomp(2): a thread under strict mode or filters cannot be restored yet. */

#include "criu-restore/task_ops.h"

static int seccomp_plan(struct restore *r, struct restore_task *t, struct img_err *err)
{
	const TaskCoreEntry *tc = t->core->tc;

	if (tc->has_old_seccomp_mode && tc->old_seccomp_mode != SECCOMP_MODE__disabled)
		return img_fail(err, IMG_UNSUPPORTED, "not supported yet");
	for (size_t i = 0; i < t->nr_threads; i++) {
		const ThreadCoreEntry *th = t->threads[i].core->thread_core;

		if (th->has_seccomp_mode && th->seccomp_mode != SECCOMP_MODE__disabled)
			return img_fail(err, IMG_UNSUPPORTED, "thread %d: not supported yet", t->threads[i].tid);
	}
	return 0;
}

extern const struct task_restore_ops seccomp_restore_ops;

const struct task_restore_ops seccomp_restore_ops = {
	.name = "seccomp",
	.plan = seccomp_plan,
};
