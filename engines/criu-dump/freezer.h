/* criu-dump/freezer.h -- --freeze-cgroup: a control group whose freezer stops all that is in it at once. */
#ifndef CRIU_DUMP_FREEZER_H
#define CRIU_DUMP_FREEZER_H

#include "criu-dump/dump.h"

struct kern_seizer;

/* Look at the group, and push the way back. A no-op without --freeze-cgroup. */
int dump_freezer_open(struct dump *d, struct img_err *err);

/* Stop the group, seize all of the tree that is in it, and let the group go on: what is seized stops before it does anything. Those found
 * are in d->tasks, seized and not waited for. */
int dump_freezer_seize(struct dump *d, struct kern_seizer *s, uint64_t until_us, struct img_err *err);

/* The tasks are about to run again, or have ended: the group is frozen, if it was. */
int dump_freezer_back(struct dump *d, struct img_err *err);

/* It was frozen, and is so again when the tasks are let go: they do nothing then. */
bool dump_freezer_was_frozen(const struct dump *d);

/* In the front, before there is a worker: how the group is. And what to do when the worker was killed: make it so again. 0: nothing was
 * to be done. */
struct freezer_before {
	bool known, frozen;
};
void dump_freezer_look(const struct options *opt, struct freezer_before *before);
void dump_freezer_put_back(const struct options *opt, const struct freezer_before *before);

/* What the group's file said before: its path in its hierarchy ends in the same directory. NULL: it is not about this group. dir is an
 * open directory. */
const char *dump_freezer_says(const struct dump *d, int root, const char *path, const char *file);

#endif
