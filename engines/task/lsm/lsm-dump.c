/* engines/task/lsm/lsm-dump.c -- security modules (AppArmor, SELinux): a task under a profile of one
 * cannot be dumped yet. */

#include <errno.h>
#include <string.h>

#include "criu-dump/task_ops.h"
#include "criuimg/array.h"
#include "criuimg/cleanup.h"
#include "kernel/proc-file.h"

extern const struct task_dump_ops lsm_dump_ops;

/* What /proc/PID/attr/current says of a task that no module holds back. */
static const char *const free_labels[] = { "", "unconfined", "unconfined (complain)", "kernel" };

static int lsm_check(struct dump *d, struct dump_task *t, struct img_err *err)
{
	struct img_err why = IMG_ERR_INIT;
	cleanup_free char *label = kern_proc_read(NULL, &why, "/proc/%d/attr/current", t->pid);

	if (!label) {
		if (why.sys_errno == EINVAL || why.sys_errno == ENOENT || why.sys_errno == EOPNOTSUPP)
			return 0; /* there is no such module */
		*err = why;
		return -1;
	}
	label[strcspn(label, "\n")] = '\0';
	for (size_t i = 0; i < ARRAY_SIZE(free_labels); i++)
		if (!strcmp(label, free_labels[i]))
			return 0;
	return dump_block(d, t, "", "security label \"%.100s\" is not supported yet", label) < 0
		       ? img_fail_nomem(err)
		       : 0;
}

const struct task_dump_ops lsm_dump_ops = {
	.name = "lsm",
	.check = lsm_check,
};
