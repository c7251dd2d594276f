/* engines/criu-restore/plan-tree.h -- who makes which task, when, and who joins which session and group. */
#ifndef CRIU_RESTORE_PLAN_TREE_H
#define CRIU_RESTORE_PLAN_TREE_H

#include "criu-restore/restore.h"

/* Fill the "how it is made" part of all tasks; adds helpers at the end of r->tasks. */
int restore_plan_tree(struct restore *r, struct img_err *err);

/* A pid that is neither of the image nor in use here; 0: none is known. Once the tree is planned. */
pid_t restore_pid_free(struct restore *r);

#endif
