/* engines/task/sched/sched-dump.c -- what criu-dump saves of a thread's scheduling: policy, priority,
 * nice, times, CPUs, I/O priority (sched(7), ioprio_get(2)). */

#include <errno.h>
#include <sched.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "criu-dump/task_ops.h"
#include "criuimg/array.h"
#include "kernel/sched.h"

extern const struct task_dump_ops sched_dump_ops;

/* Policies by their numbers; 4 was never used. */
static const char *const policies[] = { "SCHED_OTHER", "SCHED_FIFO", "SCHED_RR", "SCHED_BATCH", NULL,
	"SCHED_IDLE", "SCHED_DEADLINE" };

static bool is_known(int policy)
{
	policy &= ~SCHED_RESET_ON_FORK;
	return policy >= 0 && policy < (int)ARRAY_SIZE(policies) && policies[policy];
}

/* include/uapi/linux/ioprio.h: no header of glibc has it. */
enum {
	IOPRIO_WHO_PROCESS = 1,
};

/* CPUs of a mask, in words of 64. More than any kernel has. */
enum {
	CPU_WORDS = 128,
};

struct cpus {
	uint64_t bits[CPU_WORDS];
	size_t nr; /* words */
};

/* What is kept of a task. */
struct sched_state {
	struct cpus usual; /* of a thread that nobody has confined */
	uint64_t slice;	   /* of one that did not ask for another; ns */
};

static int get_cpus(pid_t tid, struct cpus *cpus, struct img_err *err)
{
	long got;

	memset(cpus, 0, sizeof(*cpus));
	got = syscall(SYS_sched_getaffinity, tid, sizeof(cpus->bits), cpus->bits);
	if (got < 0)
		return img_fail_sys(err, "sched_getaffinity");
	cpus->nr = got / sizeof(cpus->bits[0]);
	while (cpus->nr && !cpus->bits[cpus->nr - 1])
		cpus->nr--;
	return 0;
}

static bool same_cpus(const struct cpus *a, const struct cpus *b)
{
	return !memcmp(a->bits, b->bits, sizeof(a->bits));
}

/* What the kernel makes of "all of them" here: those of our cpuset that are there. */
static int usual_cpus(struct cpus *usual, struct img_err *err)
{
	struct cpus ours, all;

	memset(all.bits, 0xff, sizeof(all.bits));
	if (get_cpus(0, &ours, err) < 0)
		return -1;
	if (syscall(SYS_sched_setaffinity, 0, sizeof(all.bits), all.bits) < 0)
		return img_fail_sys(err, "sched_setaffinity");
	if (get_cpus(0, usual, err) < 0)
		return -1;
	if (!same_cpus(&ours, usual) && syscall(SYS_sched_setaffinity, 0, sizeof(ours.bits), ours.bits) < 0)
		return img_fail_sys(err, "sched_setaffinity");
	return 0;
}

/* How long a thread runs at a time that did not ask for more or less. This one may have, so for a moment it asks for the usual. */
static int usual_slice(uint64_t *slice, struct img_err *err)
{
	struct kern_sched_attr ours, usual;

	if (kern_sched_getattr(0, &ours, err) < 0)
		return -1;
	usual = ours;
	usual.runtime = 0;
	if (kern_sched_fair(ours.policy) && kern_sched_setattr(0, &usual) == 0 && kern_sched_getattr(0, &usual, err) < 0)
		return -1;
	*slice = usual.runtime;
	if (usual.runtime != ours.runtime && kern_sched_setattr(0, &ours) < 0)
		return img_fail_sys(err, "sched_setattr");
	return 0;
}

/* A thread of another core scheduling group shares no core with others: only tasks can give that to each
 * other, and none of them says who has it from whom. */
static int check_core_cookie(struct dump *d, struct dump_task *t, struct img_err *err)
{
	for_each_thread(t, th) {
		unsigned long cookie = 0;

		if (prctl(PR_SCHED_CORE, PR_SCHED_CORE_GET, th->tid, PR_SCHED_CORE_SCOPE_THREAD, &cookie) < 0)
			return 0; /* there is no such thing here */
		if (cookie && dump_unknown(d, t, "", "thread %d: its core scheduling group is not carried",
				      th->tid) < 0)
			return img_fail_nomem(err);
	}
	return 0;
}

static int sched_check(struct dump *d, struct dump_task *t, struct img_err *err)
{
	if (check_core_cookie(d, t, err) < 0)
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

static int sched_task(struct dump *d, struct dump_task *t, struct img_err *err)
{
	struct sched_state *s = dump_keep(d, t, &sched_dump_ops, sizeof(*s));

	if (!s)
		return img_fail_nomem(err);
	return usual_cpus(&s->usual, err) < 0 ? -1 : usual_slice(&s->slice, err);
}

static int thread_cpus(struct dump *d, struct dump_thread *th, struct img_err *err)
{
	const struct sched_state *s = dump_keep(d, th->task, &sched_dump_ops, sizeof(*s));
	ThreadCoreEntry *tc = th->core->thread_core;
	struct cpus cpus;

	if (get_cpus(th->tid, &cpus, err) < 0)
		return -1;
	if (same_cpus(&cpus, &s->usual))
		return 0;
	tc->cpus_allowed = img_arena_array(&th->task->arena, cpus.nr, sizeof(*tc->cpus_allowed));
	if (!tc->cpus_allowed)
		return img_fail_nomem(err);
	memcpy(tc->cpus_allowed, cpus.bits, cpus.nr * sizeof(cpus.bits[0]));
	tc->n_cpus_allowed = cpus.nr;
	return 0;
}

static int thread_io(struct dump_thread *th, struct img_err *err)
{
	long prio = syscall(SYS_ioprio_get, IOPRIO_WHO_PROCESS, th->tid);

	if (prio < 0 && errno == ENOSYS)
		return 0;
	if (prio < 0)
		return img_fail_sys(err, "ioprio_get");
	th->core->thread_core->has_io_priority = 1;
	th->core->thread_core->io_priority = prio;
	return 0;
}

/* What sched_getattr(2) knows besides. */
static int thread_attr(struct dump *d, struct dump_thread *th, struct img_err *err)
{
	const struct sched_state *s = dump_keep(d, th->task, &sched_dump_ops, sizeof(*s));
	ThreadCoreEntry *tc = th->core->thread_core;
	struct kern_sched_attr a;

	if (kern_sched_getattr(th->tid, &a, err) < 0)
		return -1;
	if (a.policy == KERN_SCHED_DEADLINE) {
		tc->has_sched_runtime = tc->has_sched_deadline = tc->has_sched_period = 1;
		tc->sched_runtime = a.runtime;
		tc->sched_deadline = a.deadline;
		tc->sched_period = a.period;
		tc->sched_flags = a.flags & KERN_SCHED_FLAGS_DEADLINE;
		tc->has_sched_flags = tc->sched_flags != 0;
	} else if (kern_sched_fair(a.policy) && a.runtime && a.runtime != s->slice) {
		tc->has_sched_runtime = 1;
		tc->sched_runtime = a.runtime;
	}
	/* Without such limits the kernel says 0 of both. */
	if (a.util_max && (a.util_max != KERN_UTIL_FULL || a.util_min != kern_util_usual(a.policy))) {
		tc->has_util_min = tc->has_util_max = 1;
		tc->util_min = a.util_min;
		tc->util_max = a.util_max;
	}
	return 0;
}

static int sched_thread(struct dump *d, struct dump_thread *th, struct img_err *err)
{
	ThreadCoreEntry *tc = th->core->thread_core;
	struct sched_param param;
	int policy, nice;

	if (thread_cpus(d, th, err) < 0 || thread_io(th, err) < 0)
		return -1;
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
	if (thread_attr(d, th, err) < 0)
		return -1;
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
	.task = sched_task,
	.thread = sched_thread,
};
