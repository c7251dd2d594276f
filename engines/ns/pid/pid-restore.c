/* engines/ns/pid/pid-restore.c -- a pid namespace: made with the root of the tree, which is its first process; there is nothing
 * to fill it with. An external one is joined instead (join.c). */

#include <sched.h>

#include "criu-restore/ns_ops.h"

extern const struct ns_restore_ops pid_restore_ops;

const struct ns_restore_ops pid_restore_ops = {
	.name = "pid",
	.flag = CLONE_NEWPID,
};
