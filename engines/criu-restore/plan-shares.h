/* engines/criu-restore/plan-shares.h -- tables that tasks share: who passes which on to whom. */
#ifndef CRIU_RESTORE_PLAN_SHARES_H
#define CRIU_RESTORE_PLAN_SHARES_H

#include "criu-restore/restore.h"

/* When it is known who makes whom: the flags that they are made with. Some will be made by a brother. */
int restore_plan_shares(struct restore *r, size_t nr_image, struct img_err *err);

/* When all are there: in which order each task makes others, and what it leaves when. */
int restore_plan_shares_order(struct restore *r, struct img_err *err);

/* plan-tree.c: lists of who makes whom. */
void restore_link_creators(struct restore *r);

#endif
