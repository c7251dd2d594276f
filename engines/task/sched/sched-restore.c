/* engines/task/sched/sched-restore.c -- how criu-restore sets a thread's scheduling: policy, priority, nice
 * (sched(7)). */

#include <sched.h>
#include <sys/resource.h>
#include <sys/syscall.h>

#include "criu-restore/task_ops.h"

enum {
	NICE_LOWEST = -20,
	NICE_HIGHEST = 19,
	RT_HIGHEST = 99,
};

static bool realtime(uint32_t policy)
{
	return policy == SCHED_FIFO || policy == SCHED_RR;
}

static int sched_plan(struct restore *r, struct restore_task *t, struct img_err *err)
{
	for (size_t i = 0; i < t->nr_threads; i++) {
		const ThreadCoreEntry *tc = t->threads[i].core->thread_core;
		uint32_t policy =
			tc->has_sched_policy ? tc->sched_policy & ~SCHED_RESET_ON_FORK : SCHED_OTHER;

		if (policy != SCHED_OTHER && policy != SCHED_BATCH && policy != SCHED_IDLE &&
			!realtime(policy))
			return img_fail(err, IMG_UNSUPPORTED, "thread %d: scheduling policy %u",
				t->threads[i].tid, policy);
		if (tc->has_sched_nice && (tc->sched_nice < NICE_LOWEST || tc->sched_nice > NICE_HIGHEST))
			return img_fail(
				err, IMG_CORRUPT, "thread %d: nice %d", t->threads[i].tid, tc->sched_nice);
		if (realtime(policy) && (tc->sched_prio < 1 || tc->sched_prio > RT_HIGHEST))
			return img_fail(err, IMG_CORRUPT, "thread %d: priority %u", t->threads[i].tid,
				tc->sched_prio);
	}
	return 0;
}

/* Always said, also where it is the usual: criu-restore may have been started with another. */
static int sched_thread(struct restore *r, struct restore_task *t, struct restore_thread *th,
	struct restore_tape *tape, struct img_err *err)
{
	const ThreadCoreEntry *tc = th->core->thread_core;
	struct sched_param param = { 0 };

	if (tc->has_sched_policy) {
		if (realtime(tc->sched_policy & ~SCHED_RESET_ON_FORK))
			param.sched_priority = tc->sched_prio;
		tape_step(tape, TAPE_THREAD, "set scheduling policy", SYS_sched_setscheduler, 0,
			tc->sched_policy, tape_data(tape, &param, sizeof(param)));
	}
	if (tc->has_sched_nice)
		tape_step(tape, TAPE_THREAD, "set nice", SYS_setpriority, PRIO_PROCESS, 0, tc->sched_nice);
	return 0;
}

extern const struct task_restore_ops sched_restore_ops;

const struct task_restore_ops sched_restore_ops = {
	.name = "sched",
	.plan = sched_plan,
	.thread = sched_thread,
};
