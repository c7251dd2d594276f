/* engines/criu-restore/stage.h -- how the processes of a run keep step, and how a failure travels.
 *
 * The front opens one stage after the other; a stage is over when everybody in it has said so. The first
 * failure of anybody is kept in the shared page; whoever waits for anything then returns -1, and the front
 * kills all.
 */
#ifndef CRIU_RESTORE_STAGE_H
#define CRIU_RESTORE_STAGE_H

#include "criu-restore/restore.h"

enum restore_stage {
	STAGE_NONE,
	STAGE_BORN,   /* the root exists and waits */
	STAGE_NS,     /* it fills the namespaces that it was made with, and waits */
	STAGE_FORK,   /* each makes its children, its session, its own process group */
	STAGE_JOIN,   /* the groups exist: join those of others */
	STAGE_MOVE,   /* leaders of a group that are members of another go there */
	STAGE_END,    /* zombies and helpers end; the others make their descriptors and all else */
	STAGE_FETCH,  /* descriptors exist at their makers: take those of others */
	STAGE_FINISH, /* nobody needs a maker's descriptor any more; then the blob */
};

/* ---- front ---- */

/* nr processes (or threads, in the last one) take part in the stage. */
void restore_stage_open(struct restore *r, enum restore_stage stage, size_t nr);
/* Wait until all are through. Fails with the failure of whoever failed; also when a process of ours ended by
 * itself, or when the user interrupts (restore_interrupted()). */
int restore_stage_await(struct restore *r, struct img_err *err);
/* Has the user had enough? r->stop_signals are blocked in the front and looked at here: -1 then, else 0. */
int restore_interrupted(struct restore *r, struct img_err *err);

/* From here on all others end when the calling process ends. Front only. */
int restore_front_watch(struct restore *r, struct img_err *err);

/* ---- tasks ---- */

/* Wait to be killed by the front, or to see that it is gone. */
void restore_rest(struct restore *r) __attribute__((noreturn));

/* Through with the current stage; wait until `next` is open. */
int restore_stage_pass(struct restore *r, enum restore_stage next, struct img_err *err);
/* Through, and not waiting. */
void restore_stage_leave(struct restore *r);

/* ---- failures ---- */

/* Note a failure of the calling process, unless somebody was first. */
void restore_fail_note(struct restore *r, pid_t pid, const struct img_err *err);
/* Has anybody failed? */
bool restore_has_failed(const struct restore *r);
/* The failure noted, with "pid 12: " in front. Returns -1. */
int restore_fail_get(struct restore *r, struct img_err *err);

#endif
