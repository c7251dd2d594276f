/* engines/task/lsm/lsm-restore.c -- security modules: a task under a profile of one cannot be restored
 * yet. */

#include <string.h>

#include "criu-restore/task_ops.h"

static int lsm_plan(struct restore *r, struct restore_task *t, struct img_err *err)
{
	for (size_t i = 0; i < t->nr_threads; i++) {
		const CredsEntry *c = t->threads[i].core->thread_core->creds;

		if (c && c->lsm_profile && *c->lsm_profile && strcmp(c->lsm_profile, "unconfined"))
			return img_fail(err, IMG_UNSUPPORTED,
				"thread %d: security profile \"%s\" is not supported yet", t->threads[i].tid,
				c->lsm_profile);
		if (c && c->lsm_sockcreate && *c->lsm_sockcreate)
			return img_fail(err, IMG_UNSUPPORTED,
				"thread %d: security label for sockets is not supported yet",
				t->threads[i].tid);
	}
	return 0;
}

extern const struct task_restore_ops lsm_restore_ops;

const struct task_restore_ops lsm_restore_ops = {
	.name = "lsm",
	.plan = lsm_plan,
};
