/* engines/task/sched/sched-dump.c -- what criu-dump saves of a thread's scheduling: policy, priority, nice. */

#include <errno.h>
#include <sched.h>
#include <sys/resource.h>

#include "criu-dump/task_ops.h"
#include "criuimg/array.h"

extern const struct task_dump_ops sched_dump_ops;

/* Policies by their numbers; 4 was never used. */
static const char *const policies[] = { "SCHED_OTHER", "SCHED_FIFO", "SCHED_RR", "SCHED_BATCH", NULL, "SCHED_IDLE" };

static bool is_known(int policy)
{
	policy &= ~SCHED_RESET_ON_FORK;
	return policy >= 0 && policy < (int)ARRAY_SIZE(policies) && policies[policy];
}

static int sched_check(struct dump *d, struct dump_task *t, struct img_err *err)
{
	for_each_thread(t, th) {
		int policy = sched_getscheduler(th->tid);

		if (policy >= 0 && !is_known(policy) &&
			dump_block(d, t, "", "thread %d: scheduling policy %d is not supported", th->tid, policy) < 0)
			return img_fail_nomem(err);
	}
	return 0;
}

static int sched_thread(struct dump *d, struct dump_thread *th, struct img_err *err)
{
	ThreadCoreEntry *tc = th->core->thread_core;
	struct sched_param param;
	int policy, nice;

	policy = sched_getscheduler(th->tid);
	if (policy < 0)
		return img_fail_sys(err, "sched_getscheduler");
	errno = 0;
	nice = getpriority(PRIO_PROCESS, th->tid);
	if (errno)
		return img_fail_sys(err, "getpriority");
	tc->has_sched_nice = 1;
	tc->sched_nice = nice;
	tc->has_sched_policy = 1;
	tc->sched_policy = policy;
	if ((policy & ~SCHED_RESET_ON_FORK) != SCHED_FIFO && (policy & ~SCHED_RESET_ON_FORK) != SCHED_RR)
		return 0;
	if (sched_getparam(th->tid, &param) < 0)
		return img_fail_sys(err, "sched_getparam");
	tc->has_sched_prio = 1;
	tc->sched_prio = param.sched_priority;
	return 0;
}

const struct task_dump_ops sched_dump_ops = {
	.name = "sched",
	.check = sched_check,
	.thread = sched_thread,
};
