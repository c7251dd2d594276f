/* engines/criu-restore/made.h -- the processes that a run has made, and their end when it fails.
 *
 * Each task of the plan has a slot in shared memory. Whoever makes or is the process writes there, so that
 * the front knows at any moment which pids are ours to kill: a pid that turned out to be taken by somebody
 * else is never in a slot.
 */
#ifndef CRIU_RESTORE_MADE_H
#define CRIU_RESTORE_MADE_H

#include "criu-restore/restore.h"

enum restore_made {
	MADE_NOT = 0,
	MADE_RUNS = 1, /* exists and is ours */
	MADE_ENDS = 2, /* is about to end, or has: as planned */
};

void restore_made_set(struct restore_task *t, enum restore_made state);
enum restore_made restore_made_get(const struct restore_task *t);

/* Fail if a process that should be there has ended, and say how it did. */
int restore_made_check(struct restore *r, struct img_err *err);

/* Kill all that was made, and reap what is ours to reap. Fails when something is still there after a few
 * seconds. */
int restore_made_kill(struct restore *r, struct img_err *err);

#endif
