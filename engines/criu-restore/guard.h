/* engines/criu-restore/guard.h -- a process that clears away what the front leaves behind when it is killed. */
#ifndef CRIU_RESTORE_GUARD_H
#define CRIU_RESTORE_GUARD_H

#include "criu-restore/restore.h"

/* From here on nothing stays of a tree that is not whole. Before MOMENT_START. */
int restore_guard_start(struct restore *r, struct img_err *err);
/* A name that is there for the time being: to be said in the front, before it is made where it is one that nobody else can have, right
 * after it where it may be somebody else's. */
void restore_guard_name(struct restore *r, const char *path);
/* Those names are gone, or are to stay. */
void restore_guard_names_done(struct restore *r);
/* The pid file is ours, or is about to be made: it is to be removed with the rest. */
void restore_guard_pidfile(struct restore *r, bool ours);
/* All of the tree runs, or the front clears away itself: the guard ends. */
void restore_guard_end(struct restore *r);

#endif
