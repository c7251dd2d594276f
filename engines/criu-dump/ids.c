/* criu-dump/ids.c -- which tasks share which kernel objects, by kcmp(2).
 *
 * kcmp gives an order among objects that says nothing but is total, so the tasks' objects are kept sorted
 * and a new one costs log n comparisons. Numbers are given from 2 on in the order in which objects are
 * met: 1 stands for criu-dump's own.
 */

#include <errno.h>
#include <linux/kcmp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "criu-dump/spine.h"
#include "criuimg/array.h"
#include "criuimg/cleanup.h"

enum {
	FIRST_ID = 2,
};

static const struct {
	int kcmp;
	size_t id; /* in the record */
	const char *what;
	/* may be shared by tasks that are no threads of each other, and still be dumped */
	bool between_tasks;
} shares[DUMP_SHARE_NR] = {
	[DUMP_SHARE_VM] = { KCMP_VM, offsetof(TaskKobjIdsEntry, vm_id), "mappings", false },
	[DUMP_SHARE_FILES] = { KCMP_FILES, offsetof(TaskKobjIdsEntry, files_id), "descriptors", true },
	[DUMP_SHARE_FS] = { KCMP_FS, offsetof(TaskKobjIdsEntry, fs_id), "working directory", true },
	[DUMP_SHARE_SIGHAND] = { KCMP_SIGHAND, offsetof(TaskKobjIdsEntry, sighand_id), "signal handlers",
		false },
};

struct owners {
	struct dump_task **items; /* in kcmp's order */
	size_t nr, room;
};

static uint32_t *id_of(struct dump_task *t, enum dump_share which)
{
	return (uint32_t *)((char *)t->ids + shares[which].id);
}

/* The task in owners that has the same object as t, or t itself, now one of them. NULL on failure. */
static struct dump_task *find_owner(struct owners *o, struct dump_task *t, int kcmp, struct img_err *err)
{
	size_t low = 0, high = o->nr;

	while (low < high) {
		size_t mid = low + (high - low) / 2;
		long order = syscall(SYS_kcmp, t->pid, o->items[mid]->pid, kcmp, 0, 0);

		if (order < 0 || order > 2) {
			img_fail_sys(err, "kcmp with pid %d", o->items[mid]->pid);
			return NULL;
		}
		if (order == 0)
			return o->items[mid];
		if (order == 1)
			high = mid;
		else
			low = mid + 1;
	}
	if (!img_array_more(&o->items, o->nr, &o->room)) {
		img_fail_nomem(err);
		return NULL;
	}
	memmove(o->items + low + 1, o->items + low, (o->nr - low) * sizeof(*o->items));
	o->items[low] = t;
	o->nr++;
	return t;
}

static int number_one(struct dump *d, enum dump_share which, struct img_err *err)
{
	struct owners o = { 0 };
	int ret = 0;

	for_each_live_task(d, t) {
		struct dump_task *owner = find_owner(&o, t, shares[which].kcmp, err);

		if (!owner) {
			ret = img_wrap(err, "pid %d", t->pid);
			break;
		}
		t->shares[which] = owner;
		*id_of(t, which) = owner == t ? FIRST_ID + o.nr - 1 : *id_of(owner, which);
		if (owner != t && !shares[which].between_tasks &&
			dump_block(d, t, "", "its %s are shared with pid %d (clone), which is not supported",
				shares[which].what, owner->pid) < 0) {
			ret = img_fail_nomem(err);
			break;
		}
	}
	free(o.items);
	return ret;
}

/* A thread can have taken a table of its own since it was made (unshare(2)); images have one of each for a
 * task. */
static int check_threads(struct dump *d, struct dump_task *t, enum dump_share which, struct img_err *err)
{
	for (size_t i = 1; i < t->nr_threads; i++) {
		pid_t tid = t->threads[i].tid;
		long order = syscall(SYS_kcmp, t->pid, tid, shares[which].kcmp, 0, 0);

		if (order < 0 && d->dry_run && errno == ESRCH)
			continue; /* it runs, and has ended */
		if (order < 0)
			return img_fail_sys(err, "pid %d: kcmp with thread %d", t->pid, tid);
		if (order > 0 &&
			dump_block(d, t, "", "thread %d has a %s of its own, which is not supported", tid,
				which == DUMP_SHARE_FS ? "working directory" : "descriptor table") < 0)
			return img_fail_nomem(err);
	}
	return 0;
}

int dump_ids(struct dump *d, struct img_err *err)
{
	for_each_live_task(d, t) {
		t->ids = img_arena_message(&t->arena, TaskKobjIdsEntry, task_kobj_ids_entry);
		if (!t->ids)
			return img_fail_nomem(err);
	}
	for (int i = 0; i < DUMP_SHARE_NR; i++)
		if (number_one(d, i, err) < 0)
			return -1;
	for_each_live_task(d, t)
		if (check_threads(d, t, DUMP_SHARE_FILES, err) < 0 ||
			check_threads(d, t, DUMP_SHARE_FS, err) < 0)
			return -1;
	return 0;
}
