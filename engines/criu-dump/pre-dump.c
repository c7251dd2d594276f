/* criu-dump/pre-dump.c -- the steps of a pre-dump that a dump has not.
 *
 * The tasks are held while their pages are marked, which tells those that were written since the set before; they run on while all
 * others are looked for, and while they are read. What a page holds by then may be newer than the mark: then it is not marked any
 * more, and the next run stores it again.
 */

#include <stdlib.h>

#include "criu-dump/mem.h"
#include "criu-dump/spine.h"
#include "criu-dump/task_ops.h"
#include "criu-dump/track.h"
#include "kernel/maps.h"

int dump_pre_maps(struct dump *d, struct img_err *err)
{
	for_each_live_task(d, t) {
		t->maps = calloc(1, sizeof(*t->maps));
		if (!t->maps)
			return img_fail_nomem(err);
		if (kern_maps_read(t->pid, false, t->maps, err) < 0)
			return img_wrap(err, "pid %d", t->pid);
	}
	return 0;
}

static int find_pages(struct dump *d, struct img_err *err)
{
	for_each_live_task(d, t)
		for (const struct task_dump_ops *const *room = dump_task_rooms; *room; room++)
			if ((*room)->pre && (*room)->pre(d, t, err) < 0) {
				img_wrap(err, "%s", (*room)->name);
				return img_wrap(err, "pid %d", t->pid);
			}
	return 0;
}

/* Soft-dirty bits say it before they are cleared, marks when the tasks run on: see there. */
int dump_pre_memory(struct dump *d, struct img_err *err)
{
	return d->running == (d->track->by == TRACK_BY_MARKS) ? find_pages(d, err) : 0;
}

/* Which mappings have pages that other tasks have too: those are read in a way that leaves them shared. To find out takes a
 * walk over all memory, for which nobody is held; what is new since then is of no interest. */
static void note_sharing(struct dump_task *t)
{
	struct kern_maps now = KERN_MAPS_INIT;
	size_t k = 0;

	if (kern_maps_read(t->pid, true, &now, NULL) == 0)
		for (size_t i = 0; i < now.nr; i++) {
			while (k < t->maps->nr && t->maps->vmas[k].end <= now.vmas[i].start)
				k++;
			for (size_t j = k; j < t->maps->nr && t->maps->vmas[j].start < now.vmas[i].end; j++)
				t->maps->vmas[j].others += now.vmas[i].others;
		}
	kern_maps_free(&now);
}

int dump_pre_release(struct dump *d, struct img_err *err)
{
	if (dump_unfreeze(d, NULL, err) < 0)
		return -1;
	d->running = true;
	d->stats.frozen_time = dump_now_us() - d->frozen_at_us;
	for_each_live_task(d, t)
		note_sharing(t);
	return 0;
}
