/* engines/task/rlimit/rlimit-restore.c -- how criu-restore sets a task's limits (setrlimit(2)).
 *
 * The task sets its own: setting those of another uid's task needs CAP_SYS_RESOURCE, which root of a
 * container may lack. Without it a hard limit can only be lowered, so the image may not ask for more than
 * criu-restore itself has.
 */

#include <linux/capability.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "criu-restore/task_ops.h"
#include "criuimg/array.h"

static const char *const names[] = {
	[RLIMIT_CPU] = "CPU",
	[RLIMIT_FSIZE] = "FSIZE",
	[RLIMIT_DATA] = "DATA",
	[RLIMIT_STACK] = "STACK",
	[RLIMIT_CORE] = "CORE",
	[RLIMIT_RSS] = "RSS",
	[RLIMIT_NPROC] = "NPROC",
	[RLIMIT_NOFILE] = "NOFILE",
	[RLIMIT_MEMLOCK] = "MEMLOCK",
	[RLIMIT_AS] = "AS",
	[RLIMIT_LOCKS] = "LOCKS",
	[RLIMIT_SIGPENDING] = "SIGPENDING",
	[RLIMIT_MSGQUEUE] = "MSGQUEUE",
	[RLIMIT_NICE] = "NICE",
	[RLIMIT_RTPRIO] = "RTPRIO",
	[RLIMIT_RTTIME] = "RTTIME",
};

static bool may_raise(void)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2] = { 0 };

	return syscall(SYS_capget, &header, data) == 0 && data[0].effective & 1u << CAP_SYS_RESOURCE;
}

static int rlimit_plan(struct restore *r, struct restore_task *t, struct img_err *err)
{
	const TaskRlimitsEntry *e = t->core->tc->rlimits;

	if (!e)
		return 0;
	if (e->n_rlimits > ARRAY_SIZE(names))
		return img_fail(err, IMG_UNSUPPORTED, "%zu limits: this kernel has %zu", e->n_rlimits,
			ARRAY_SIZE(names));
	for (size_t i = 0; i < e->n_rlimits; i++) {
		const RlimitEntry *l = e->rlimits[i];
		struct rlimit own;

		if (l->cur > l->max)
			return img_fail(err, IMG_CORRUPT, "%s: above its own maximum", names[i]);
		if (getrlimit(i, &own) < 0)
			return img_fail_sys(err, "%s", names[i]);
		if (l->max > own.rlim_max && !may_raise())
			return img_fail(err, IMG_UNSUPPORTED,
				"%s: hard limit %llu: criu-restore has %llu, and not CAP_SYS_RESOURCE",
				names[i], (unsigned long long)l->max, (unsigned long long)own.rlim_max);
	}
	return 0;
}

static int rlimit_tape(
	struct restore *r, struct restore_task *t, struct restore_tape *tape, struct img_err *err)
{
	const TaskRlimitsEntry *e = t->core->tc->rlimits;

	for (size_t i = 0; e && i < e->n_rlimits; i++) {
		struct rlimit new = { .rlim_cur = e->rlimits[i]->cur, .rlim_max = e->rlimits[i]->max }, own;
		char what[32];

		if (getrlimit(i, &own) == 0 && own.rlim_cur == new.rlim_cur && own.rlim_max == new.rlim_max)
			continue;
		snprintf(what, sizeof(what), "set limit %s", names[i]);
		tape_step(tape, TAPE_LIMITS, what, SYS_prlimit64, 0, i, tape_data(tape, &new, sizeof(new)));
	}
	return 0;
}

extern const struct task_restore_ops rlimit_restore_ops;

const struct task_restore_ops rlimit_restore_ops = {
	.name = "rlimit",
	.plan = rlimit_plan,
	.tape = rlimit_tape,
};
