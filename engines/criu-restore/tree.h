/* engines/criu-restore/tree.h -- making the processes. */
#ifndef CRIU_RESTORE_TREE_H
#define CRIU_RESTORE_TREE_H

#include "criu-restore/restore.h"

/* Make the root of the tree; it makes the rest. Front only. */
int restore_tree_start(struct restore *r, struct img_err *err);
/* Fail (EEXIST) naming who has a pid that we need. */
int restore_pid_taken(pid_t pid, struct img_err *err);

#endif
