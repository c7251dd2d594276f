/* criu-dump/tasks.c -- the list of tasks: by number and by pid; and what rooms remember of each. */

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "criu-dump/cgroups.h"
#include "criu-dump/files.h"
#include "criu-dump/mem.h"
#include "criu-dump/mounts.h"
#include "criu-dump/spine.h"
#include "criu-dump/task_ops.h"
#include "criuimg/array.h"
#include "kernel/maps.h"

/* ---- by pid ---- */

/* Where a task with this pid is, or the free slot where it would be. */
static struct dump_task **slot_of(const struct dump_tasks *all, pid_t pid)
{
	size_t at = (uint32_t)pid * 2654435761u;

	for (;; at++) {
		struct dump_task **slot = &all->slots[at & (all->nr_slots - 1)];

		if (!*slot || (*slot)->pid == pid)
			return slot;
	}
}

struct dump_task *dump_task_by_pid(const struct dump *d, pid_t pid)
{
	return d->tasks.nr_slots ? *slot_of(&d->tasks, pid) : NULL;
}

/* Anew, from the list, at most half full. */
static int index_tasks(struct dump_tasks *all, struct img_err *err)
{
	size_t nr = all->nr_slots ? all->nr_slots : 64;
	struct dump_task **slots;

	while (nr < all->room * 2)
		nr *= 2;
	slots = calloc(nr, sizeof(*slots));
	if (!slots)
		return img_fail_nomem(err);
	free(all->slots);
	all->slots = slots;
	all->nr_slots = nr;
	for (size_t i = 0; i < all->nr; i++)
		*slot_of(all, all->items[i]->pid) = all->items[i];
	return 0;
}

/* ---- tasks and threads ---- */

struct dump_thread *dump_thread_new(struct dump_task *t, pid_t tid, struct img_err *err)
{
	struct dump_thread *th = img_array_more(&t->threads, t->nr_threads, &t->room_threads);

	if (!th) {
		img_fail_nomem(err);
		return NULL;
	}
	t->nr_threads++;
	th->task = t;
	th->tid = tid;
	return th;
}

void dump_thread_drop(struct dump_task *t, struct dump_thread *th)
{
	size_t at = th - t->threads;

	kern_status_free(&th->status);
	free(th->pending.infos);
	memmove(th, th + 1, (t->nr_threads - at - 1) * sizeof(*th));
	t->nr_threads--;
}

static void task_free(struct dump_task *t)
{
	for_each_thread(t, th) {
		kern_status_free(&th->status);
		free(th->pending.infos);
	}
	free(t->pending.infos);
	free(t->threads);
	if (t->pidfd >= 0)
		close(t->pidfd);
	if (t->maps) {
		kern_maps_free(t->maps);
		free(t->maps);
	}
	dump_mem_free(t);
	free(t->kept);
	img_arena_free(&t->arena);
	free(t);
}

struct dump_task *dump_task_new(struct dump *d, pid_t pid, struct dump_task *parent, struct img_err *err)
{
	struct dump_task **at = img_array_more(&d->tasks.items, d->tasks.nr, &d->tasks.room);
	struct dump_task *t = at ? calloc(1, sizeof(*t)) : NULL;

	if (!t) {
		img_fail_nomem(err);
		return NULL;
	}
	t->pid = t->vpid = pid;
	t->parent = parent;
	t->state = DUMP_TASK_ALIVE;
	t->pidfd = -1;
	if (!dump_thread_new(t, pid, err)) {
		free(t);
		return NULL;
	}
	d->tasks.items[d->tasks.nr++] = t;
	if (d->tasks.nr_slots < d->tasks.room * 2)
		return index_tasks(&d->tasks, err) < 0 ? NULL : t;
	*slot_of(&d->tasks, pid) = t;
	return t;
}

/* Its children, if any, have become somebody else's. */
int dump_task_drop(struct dump *d, struct dump_task *t, struct img_err *err)
{
	struct dump_tasks *all = &d->tasks;

	for (size_t i = 0; i < all->nr; i++)
		if (all->items[i] == t) {
			memmove(all->items + i, all->items + i + 1, (all->nr - i - 1) * sizeof(*all->items));
			all->nr--;
			break;
		}
	for_each_task(d, child)
		if (child->parent == t)
			child->parent = NULL; /* until its new parent is looked at */
	task_free(t);
	return index_tasks(all, err);
}

void dump_tree_free(struct dump *d)
{
	for (size_t i = 0; i < d->tasks.nr; i++)
		task_free(d->tasks.items[i]);
	free(d->tasks.items);
	free(d->tasks.slots);
	d->tasks = (struct dump_tasks){ 0 };
}

/* The place of a room; two of them, one for the task and one for all its threads. */
static void **kept_place(struct dump_task *t, const struct task_dump_ops *ops)
{
	size_t nr = 0, mine = 0;

	while (dump_task_rooms[nr]) {
		if (dump_task_rooms[nr] == ops)
			mine = nr;
		nr++;
	}
	if (!t->kept)
		t->kept = calloc(2 * nr, sizeof(*t->kept));
	return t->kept ? &t->kept[2 * mine] : NULL;
}

void *dump_keep(struct dump *d, struct dump_task *t, const struct task_dump_ops *ops, size_t size)
{
	void **place = kept_place(t, ops);

	if (place && !*place)
		*place = img_arena_alloc(&t->arena, size);
	return place ? *place : NULL;
}

void *dump_keep_thread(struct dump *d, struct dump_thread *th, const struct task_dump_ops *ops, size_t size)
{
	struct dump_task *t = th->task;
	void **place = kept_place(t, ops);

	if (place && !place[1])
		place[1] = img_arena_array(&t->arena, t->nr_threads, size);
	return place && place[1] ? (char *)place[1] + (th - t->threads) * size : NULL;
}

void dump_forget(struct dump *d)
{
	dump_files_free(d);
	dump_shmem_free(d);
	dump_mounts_free(d);
	dump_cgroups_free(d);
	dump_namespaces_free(d);
	dump_tree_free(d);
	free(d->blockers.items);
	d->blockers = (struct dump_blockers){ 0 };
}
