/* engines/criu-restore/steps.h -- the steps of a restore; the list itself is in steps.c. */
#ifndef CRIU_RESTORE_STEPS_H
#define CRIU_RESTORE_STEPS_H

#include "criu-restore/restore.h"

enum restore_moment {
	MOMENT_PLAN,	    /* front: whole */
	MOMENT_START,	    /* front: whole */
	MOMENT_NAMESPACES,  /* front: whole; the root is in its namespaces, and has no children yet */
	MOMENT_BEFORE_FORK, /* task */
	MOMENT_AFTER_FORK,  /* task */
	MOMENT_RESUME,	    /* front: whole; all tasks are there and held, none has run */
	MOMENT_UNDO,	    /* front: whole; a failure here is reported behind the one that caused it */
};

struct restore_step {
	enum restore_moment moment;
	const char *name;
	int (*whole)(struct restore *r, struct img_err *err);
	int (*task)(struct restore *r, struct restore_task *t, struct img_err *err);
	const char *why; /* why here and not earlier or later */
};

/* Run all steps of a moment: for the run, or for task t. The step's name goes before the text of a
 * failure. */
int restore_steps_whole(struct restore *r, enum restore_moment moment, struct img_err *err);
int restore_steps_task(
	struct restore *r, enum restore_moment moment, struct restore_task *t, struct img_err *err);

#endif
