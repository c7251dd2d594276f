/* engines/criu-restore/namespaces.h -- the namespaces of a tree: which are new, and the moments in which they come to be. */
#ifndef CRIU_RESTORE_NAMESPACES_H
#define CRIU_RESTORE_NAMESPACES_H

#include "criu-restore/restore.h"
#include "criu-restore/steps.h"

/* What of the host the root does without: a kind that the tree has a namespace of its own of. flag: CLONE_NEW*. */
bool restore_ns_new(const struct restore *r, int flag);
/* The number of the root's namespace of this kind in the set; 0: the image does not say. */
uint32_t restore_ns_id(const struct restore *r, int flag);

/* Front: who lives in which, and can that be made here. Sets the root's clone_flags. */
int restore_ns_plan(struct restore *r, struct img_err *err);
/* Front: the root exists and waits. */
int restore_ns_born(struct restore *r, struct img_err *err);
/* Root: fill them. */
int restore_ns_make(struct restore *r, struct img_err *err);
/* Front: they are there; MOMENT_NAMESPACES is run. */
int restore_ns_made(struct restore *r, struct img_err *err);
/* Front: the steps of a moment, as restore_steps_whole(), where the tree's files are: in its mount namespace. */
int restore_ns_whole(struct restore *r, enum restore_moment moment, struct img_err *err);

/* Each task, first of all: tell the front which pid it has for it. */
int restore_ns_here(struct restore *r, struct restore_task *t, struct img_err *err);
/* Front: the same for the threads, which are all there. */
int restore_threads_here(struct restore *r, struct img_err *err);

#endif
