/* engines/task/sched/sched-dump.c -- what criu-dump saves of a thread's scheduling: policy, priority,
 * nice. */

#include <errno.h>
#include <sched.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "criu-dump/task_ops.h"
#include "criuimg/array.h"

extern const struct task_dump_ops sched_dump_ops;

/* Policies by their numbers; 4 was never used. */
static const char *const policies[] = { "SCHED_OTHER", "SCHED_FIFO", "SCHED_RR", "SCHED_BATCH", NULL,
	"SCHED_IDLE" };

static bool is_known(int policy)
{
	policy &= ~SCHED_RESET_ON_FORK;
	return policy >= 0 && policy < (int)ARRAY_SIZE(policies) && policies[policy];
}

/* include/uapi/linux/ioprio.h: no header of glibc has it. */
enum {
	IOPRIO_WHO_PROCESS = 1,
};

/* What would be lost: a thread that the restorer starts has the restorer's own. One of a task is enough to
 * tell. */
static int check_lost(struct dump *d, struct dump_task *t, struct img_err *err)
{
	cpu_set_t ours, theirs;

	if (sched_getaffinity(0, sizeof(ours), &ours) < 0)
		return 0; /* more CPUs than fit: not to be compared like this */
	for_each_thread(t, th)
		if (sched_getaffinity(th->tid, sizeof(theirs), &theirs) == 0 && !CPU_EQUAL(&ours, &theirs)) {
			if (dump_unknown(d, t, "", "thread %d may run on %d CPUs only: this is not carried",
				    th->tid, CPU_COUNT(&theirs)) < 0)
				return img_fail_nomem(err);
			break;
		}
	for_each_thread(t, th) {
		long prio = syscall(SYS_ioprio_get, IOPRIO_WHO_PROCESS, th->tid);

		if (prio < 0 || prio == syscall(SYS_ioprio_get, IOPRIO_WHO_PROCESS, 0))
			continue;
		if (dump_unknown(d, t, "", "thread %d has I/O priority %#lx: this is not carried", th->tid,
			    prio) < 0)
			return img_fail_nomem(err);
		break;
	}
	return 0;
}

static int sched_check(struct dump *d, struct dump_task *t, struct img_err *err)
{
	if (check_lost(d, t, err) < 0)
		return -1;
	for_each_thread(t, th) {
		int policy = sched_getscheduler(th->tid);

		if (policy >= 0 && !is_known(policy) &&
			dump_block(d, t, "", "thread %d: scheduling policy %d is not supported", th->tid,
				policy) < 0)
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
