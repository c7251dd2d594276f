/* criu-restore/lazy.h -- memory that comes when it is needed (--lazy-pages).
 *
 * A task announces the mappings whose pages may come later to the kernel, by a userfaultfd(2) that criu-lazy-pages gets: it puts the
 * pages there when they are touched, and the others meanwhile. What tasks of the tree may share copy-on-write is read now,
 * where the images have it: pages that come one by one are nobody else's.
 */
#ifndef CRIU_RESTORE_LAZY_H
#define CRIU_RESTORE_LAZY_H

#include "criu-restore/restore.h"
#include "criuimg/pages.h"

struct restore_tape;

/* Plan: whoever serves the pages must be there. Nothing without --lazy-pages, as all below. */
int restore_lazy_plan(struct restore *r, struct img_err *err);

/* Is this run of the page map of t, in mapping e, left to be served later? */
bool restore_lazy_run(
	struct restore *r, const struct restore_task *t, const VmaEntry *e, const struct img_run *run);

/* Tape: make the descriptor, hand it over, announce the mappings. */
int restore_lazy_tape(
	struct restore *r, struct restore_task *t, struct restore_tape *tape, struct img_err *err);

/* The tree runs: say so. */
int restore_lazy_release(struct restore *r, struct img_err *err);

#endif
