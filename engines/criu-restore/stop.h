/* engines/criu-restore/stop.h -- tasks that are stopped in the image. */
#ifndef CRIU_RESTORE_STOP_H
#define CRIU_RESTORE_STOP_H

#include "criu-restore/restore.h"

/* SA_NOCLDSTOP where t is to be spared the news that its children stop (they stopped long ago), else 0: to be
 * added to the flags of its SIGCHLD action until restore_stop_done(). */
uint64_t restore_stop_quiet(const struct restore *r, const struct restore_task *t);
/* Memory that restore_stop_done() needs. Plan. */
int restore_stop_plan(struct restore *r, struct img_err *err);

/* A task that is held and finished but for this: stop it, under ptrace still. It does not get to run. */
int restore_stop_task(struct restore *r, struct restore_task *t, struct img_err *err);
/* The task is held, its children that are to stop have: give its SIGCHLD the real action. */
int restore_stop_done(struct restore *r, struct restore_task *t, struct img_err *err);

#endif
