/* criu-dump/track.h -- what was written since the set before this one, and the set before this one.
 *
 * Pages of anonymous private memory are marked when a set is made (arm); the next run sees which are not marked any more.
 * The marks count from one set alone: the run that made it gave its identity (dump_criu_run_id) to the keeper (keeper.h),
 * and only a run over that very set believes them. Whatever is not known to be as it was is compared with what the sets
 * before this one have, and stored when it differs: so a chain is right whoever tracked, or nobody.
 *
 * Where the kernel has soft-dirty bits and no asynchronous write protection, these are used, and believed of tasks that are
 * older than the set before this one, which has the time it was made (dump_uptime).
 */
#ifndef CRIU_DUMP_TRACK_H
#define CRIU_DUMP_TRACK_H

#include <stdbool.h>
#include <stdint.h>

#include "criu-dump/dump.h"
#include "criu-dump/keeper.h"
#include "criuimg/set.h"

struct kern_pages;

enum dump_track_by {
	TRACK_BY_NOTHING,
	TRACK_BY_MARKS, /* asynchronous write protection */
	TRACK_BY_SOFT_DIRTY,
};

struct dump_track {
	char id[KEEPER_ID];	   /* of this run */
	bool wanted;		   /* mark pages for the next run */
	enum dump_track_by by;	   /* what this kernel can do */
	struct img_set *parent;	   /* the set before, or NULL; of d->set */
	char parent_id[KEEPER_ID]; /* "": it does not say */
	uint64_t parent_uptime;	   /* us since boot, 0: it does not say */
	int keeper;		   /* socket to one that waits; -1: none */
	struct keeper *found;
	size_t nr_found, room_found;
};

/* Steps. */
int dump_track_begin(struct dump *d, struct img_err *err); /* with the images: the set before, and a keeper if need be */
int dump_track_look(struct dump *d, struct img_err *err);  /* when the maps are there: who is tracked */
int dump_track_arm(struct dump *d, struct img_err *err);   /* when the pages are found: mark them, if wanted */
int dump_track_keep(struct dump *d, struct img_err *err);  /* when the set is complete */
void dump_track_free(struct dump *d);

/* How far a task's marks can be believed. */
enum dump_track_by dump_track_of(const struct dump *d, const struct dump_task *t);

/* Microseconds since boot, for dump_uptime. */
uint64_t dump_uptime_us(void);

#endif
