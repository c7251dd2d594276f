/* engines/task/sched/sched-restore.c -- how criu-restore sets a thread's scheduling: policy, priority, nice,
 * CPUs, I/O priority (sched(7), ioprio_set(2)). */

#include <errno.h>
#include <sched.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>

#include "criu-restore/task_ops.h"
#include "kernel/sched.h"

enum {
	NICE_LOWEST = -20,
	NICE_HIGHEST = 19,
	RT_HIGHEST = 99,
	CPU_WORDS = 128,	/* of 64 CPUs: more than any kernel has */
	IO_PRIORITY_BITS = 16,	/* include/uapi/linux/ioprio.h: no header of glibc has it */
	IOPRIO_WHO_PROCESS = 1,
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
			policy != KERN_SCHED_DEADLINE && !realtime(policy))
			return img_fail(err, IMG_UNSUPPORTED, "thread %d: scheduling policy %u",
				t->threads[i].tid, policy);
		if (tc->has_sched_nice && (tc->sched_nice < NICE_LOWEST || tc->sched_nice > NICE_HIGHEST))
			return img_fail(
				err, IMG_CORRUPT, "thread %d: nice %d", t->threads[i].tid, tc->sched_nice);
		if (realtime(policy) && (tc->sched_prio < 1 || tc->sched_prio > RT_HIGHEST))
			return img_fail(err, IMG_CORRUPT, "thread %d: priority %u", t->threads[i].tid,
				tc->sched_prio);
		if (policy == KERN_SCHED_DEADLINE &&
			!(tc->sched_runtime && tc->sched_runtime <= tc->sched_deadline && tc->sched_deadline <= tc->sched_period))
			return img_fail(err, IMG_CORRUPT, "thread %d: times of SCHED_DEADLINE", t->threads[i].tid);
		if (tc->util_min > KERN_UTIL_FULL || tc->util_max > KERN_UTIL_FULL || tc->util_min > tc->util_max)
			return img_fail(err, IMG_CORRUPT, "thread %d: utilization", t->threads[i].tid);
		if (tc->n_cpus_allowed > CPU_WORDS || tc->io_priority >> IO_PRIORITY_BITS)
			return img_fail(err, IMG_CORRUPT, "thread %d: CPUs or I/O priority",
				t->threads[i].tid);
	}
	return 0;
}

/* CPUs that this host does not have, or keeps for others (cpuset), are left out by the kernel; a thread that
 * would be left with none may run on all. Only trying shows it: this thread tries for all of them. */
static int try_cpus(struct restore *r, struct restore_task *t, const struct restore_thread *th,
	struct img_err *err)
{
	ThreadCoreEntry *tc = th->core->thread_core;
	uint64_t got[CPU_WORDS] = { 0 };
	size_t size = tc->n_cpus_allowed * sizeof(uint64_t);

	if (syscall(SYS_sched_setaffinity, 0, size, tc->cpus_allowed) < 0) {
		if (errno != EINVAL)
			return img_fail_sys(err, "thread %d: sched_setaffinity", th->tid);
		log_warn(r->log, "pid %d: thread %d: none of its CPUs is here: it may run on all", t->pid,
			th->tid);
		tc->n_cpus_allowed = 0; /* here, in the task: this record is its own copy */
		return 0;
	}
	if (syscall(SYS_sched_getaffinity, 0, sizeof(got), got) < 0)
		return img_fail_sys(err, "thread %d: sched_getaffinity", th->tid);
	if (memcmp(got, tc->cpus_allowed, size) != 0)
		log_warn(r->log, "pid %d: thread %d: some of its CPUs are not here", t->pid, th->tid);
	return 0;
}

static int sched_task(struct restore *r, struct restore_task *t, struct img_err *err)
{
	uint64_t before[CPU_WORDS] = { 0 };
	bool tried = false;

	if (syscall(SYS_sched_getaffinity, 0, sizeof(before), before) < 0)
		return img_fail_sys(err, "sched_getaffinity");
	for (size_t i = 0; i < t->nr_threads; i++) {
		if (!t->threads[i].core->thread_core->n_cpus_allowed)
			continue;
		if (try_cpus(r, t, &t->threads[i], err) < 0)
			return -1;
		tried = true;
	}
	if (tried && syscall(SYS_sched_setaffinity, 0, sizeof(before), before) < 0)
		return img_fail_sys(err, "sched_setaffinity");
	return 0;
}

/* What sched_setscheduler(2) cannot say. */
static void set_attr(const ThreadCoreEntry *tc, struct restore_tape *tape)
{
	struct kern_sched_attr attr = {
		.size = sizeof(attr),
		.policy = tc->sched_policy & ~SCHED_RESET_ON_FORK,
		.flags = tc->sched_flags & KERN_SCHED_FLAGS_DEADLINE,
		.nice = tc->sched_nice,
		.priority = tc->sched_prio,
		.runtime = tc->sched_runtime,
		.deadline = tc->sched_deadline,
		.period = tc->sched_period,
		.util_min = tc->util_min,
		.util_max = tc->util_max,
	};

	if (tc->sched_policy & SCHED_RESET_ON_FORK)
		attr.flags |= KERN_SCHED_FLAG_RESET_ON_FORK;
	if (tc->has_util_max)
		attr.flags |= KERN_SCHED_FLAGS_UTIL;
	tape_step(tape, TAPE_THREAD, "set scheduling attributes", SYS_sched_setattr, 0, tape_data(tape, &attr, sizeof(attr)));
}

/* Always said, also where it is the usual: criu-restore may have been started with another. */
static int sched_thread(struct restore *r, struct restore_task *t, struct restore_thread *th,
	struct restore_tape *tape, struct img_err *err)
{
	const ThreadCoreEntry *tc = th->core->thread_core;
	struct sched_param param = { 0 };

	/* One with a deadline is what it is by its times. */
	if (tc->has_sched_policy && (tc->sched_policy & ~SCHED_RESET_ON_FORK) != KERN_SCHED_DEADLINE) {
		if (realtime(tc->sched_policy & ~SCHED_RESET_ON_FORK))
			param.sched_priority = tc->sched_prio;
		tape_step(tape, TAPE_THREAD, "set scheduling policy", SYS_sched_setscheduler, 0,
			tc->sched_policy, tape_data(tape, &param, sizeof(param)));
	}
	if (tc->has_sched_runtime || tc->has_util_max)
		set_attr(tc, tape);
	if (tc->has_sched_nice)
		tape_step(tape, TAPE_THREAD, "set nice", SYS_setpriority, PRIO_PROCESS, 0, tc->sched_nice);
	if (tc->n_cpus_allowed)
		tape_step(tape, TAPE_THREAD, "set CPUs", SYS_sched_setaffinity, 0,
			tc->n_cpus_allowed * sizeof(uint64_t),
			tape_data(tape, tc->cpus_allowed, tc->n_cpus_allowed * sizeof(uint64_t)));
	if (tc->has_io_priority)
		tape_step(tape, TAPE_THREAD, "set I/O priority", SYS_ioprio_set, IOPRIO_WHO_PROCESS, 0,
			tc->io_priority);
	return 0;
}

extern const struct task_restore_ops sched_restore_ops;

const struct task_restore_ops sched_restore_ops = {
	.name = "sched",
	.plan = sched_plan,
	.task = sched_task,
	.thread = sched_thread,
};
