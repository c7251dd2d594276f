/* criu-dump/undo.h -- effects on others, and how each is taken back.
 *
 * Whoever is about to change something outside this program (a task stopped, a network locked, a file
 * linked) pushes the way back FIRST, then does it: a way back must be fine with an effect that did not
 * happen. When the run fails, all of them are called in reverse order, in one place (steps.c); each tells
 * what it could not undo, and the rest goes on. When the run succeeds those marked UNDO_ON_FAILURE are
 * forgotten and the others are called as well.
 */
#ifndef CRIU_DUMP_UNDO_H
#define CRIU_DUMP_UNDO_H

#include <stddef.h>

#include "criuimg/err.h"

struct dump;

enum undo_when {
	UNDO_ON_FAILURE, /* the effect is what was asked for: take it back when the run fails */
	UNDO_ALWAYS,	 /* the effect was only needed on the way */
	UNDO_TO_RUN,	 /* no task may run with it: as UNDO_ON_FAILURE, and before tasks are let go or left stopped */
	UNDO_FIRST,	 /* both: as UNDO_ALWAYS, and before tasks run */
};

struct undo_entry {
	int (*back)(struct dump *d, void *obj, struct img_err *err);
	void *obj;
	const char *what; /* "let pid 7 run", static or from d->arena: for the log */
	enum undo_when when;
};

struct undo {
	struct undo_entry *items;
	size_t nr, room;
};

int undo_push(struct undo *u, enum undo_when when, const char *what,
	int (*back)(struct dump *d, void *obj, struct img_err *err), void *obj, struct img_err *err);

/* Those that must be called before any task runs; the others stay. As undo_all(). */
int undo_to_run(struct dump *d, struct img_err *err);

/* Call them, last first. failed: the run failed. Returns 0, or -1 with the first failure in err; all are
 * called. */
int undo_all(struct dump *d, int failed, struct img_err *err);

#endif
