/* engines/task/seccomp/seccomp-dump.c -- what criu-dump saves of seccomp(2): the mode of each thread, and
 * seccomp.img. */

#include <linux/seccomp.h>

#include "seccomp.pb-c.h"

#include "criu-dump/task_ops.h"
#include "criuimg/image.h"

extern const struct task_dump_ops seccomp_dump_ops;

static int seccomp_check(struct dump *d, struct dump_task *t, struct img_err *err)
{
	for_each_thread(t, th)
		if (th->status.seccomp == SECCOMP_MODE_FILTER &&
			dump_block(d, t, "", "thread %d: seccomp filters are not supported yet", th->tid) < 0)
			return img_fail_nomem(err);
	return 0;
}

static int seccomp_thread(struct dump *d, struct dump_thread *th, struct img_err *err)
{
	if (th->status.seccomp != SECCOMP_MODE_STRICT)
		return 0;
	th->core->thread_core->has_seccomp_mode = 1;
	th->core->thread_core->seccomp_mode = SECCOMP_MODE__strict;
	return 0;
}

static int seccomp_tree(struct dump *d, struct img_err *err)
{
	SeccompEntry e = SECCOMP_ENTRY__INIT; /* the list of filters: there are none */

	return img_write_single(d->set, IMG_SECCOMP, 0, &e.base, err);
}

const struct task_dump_ops seccomp_dump_ops = {
	.name = "seccomp",
	.check = seccomp_check,
	.thread = seccomp_thread,
	.tree = seccomp_tree,
};
