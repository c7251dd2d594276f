/* engines/criu-restore/run.h -- a restore from start to end. */
#ifndef CRIU_RESTORE_RUN_H
#define CRIU_RESTORE_RUN_H

#include "criu-restore/restore.h"

/* Rebuild the tree that the options name. On success (0) it runs. On failure everything is as before, unless
 * *undone says otherwise. With opt->plan: say what would be done, on standard output. */
int restore_run(struct restore *r, bool *undone, struct img_err *err);

#endif
