/* criu-dump/keeper.h -- a small process that keeps the tracking of changes alive from one run to the next.
 *
 * What marks the pages of a task (kernel/uffd.h) is a descriptor, and ends when nobody has it open. The keeper has it,
 * with the identity of the set that the marks count from: "what is still marked was not written since that set". The
 * next run finds it by a name (an abstract socket, by the pid and the start time of the tree's root), takes the
 * descriptors over and tells it to end. It ends by itself with the last of its tasks, and on SIGTERM.
 */
#ifndef CRIU_DUMP_KEEPER_H
#define CRIU_DUMP_KEEPER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "criuimg/err.h"

enum { KEEPER_ID = 40 }; /* a UUID as text */

struct keeper_task {
	pid_t pid;
	uint64_t start; /* kern_stat.start_time: tells tasks apart that had the same pid */
	int uffd;	/* open; -1: none */
};

/* Start one, before anything else of ours is open. It waits at the other end of *sock, and ends when that is closed before
 * keeper_go(). */
int keeper_fork(int *sock, struct img_err *err);
/* Hand over a task (the descriptors stay the caller's, too), then let it go to work under the name of pid and start. */
int keeper_give(int sock, const struct keeper_task *t, int pidfd, struct img_err *err);
int keeper_go(int sock, const char *set_id, pid_t pid, uint64_t start, struct img_err *err);

/* What a keeper has. */
struct keeper {
	int sock; /* -1: none */
	char set_id[KEEPER_ID];
	struct keeper_task *tasks;
	size_t nr, room;
};

/* Is there a keeper of this name? 1 with *k, 0, -1. */
int keeper_find(pid_t pid, uint64_t start, struct keeper *k, struct img_err *err);
/* Tell it to end, and wait until it has given up its name. What was taken over stays. */
void keeper_end(struct keeper *k);
void keeper_release(struct keeper *k);

#endif
