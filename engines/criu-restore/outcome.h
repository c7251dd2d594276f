/* engines/criu-restore/outcome.h -- what a run tells the outside: scripts, the pid file, figures. */
#ifndef CRIU_RESTORE_OUTCOME_H
#define CRIU_RESTORE_OUTCOME_H

#include "criu-restore/restore.h"

/* Run the action scripts for an action. Fails when one of them does. */
int restore_script(struct restore *r, const char *action, struct img_err *err);
/* The same with a descriptor for them (-1: none), borrowed: inherited, its number in CRTOOLS_SCRIPT_FD. */
int restore_script_fd(struct restore *r, const char *action, int fd, struct img_err *err);

/* --pidfile: the root's pid, in a new file. */
int restore_pidfile_check(struct restore *r, struct img_err *err); /* it must not be there yet */
int restore_pidfile(struct restore *r, struct img_err *err);
void restore_pidfile_remove(struct restore *r); /* if it was made by us */

/* Times for the figures: begin, all processes made; then stats-restore, and --display-stats. */
void restore_outcome_begin(struct restore *r);
void restore_outcome_forked(struct restore *r);
int restore_outcome_stats(struct restore *r, struct img_err *err);

#endif
