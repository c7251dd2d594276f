/* engines/criu-restore/ns-ids.c -- ids inside the tree's namespaces and as the front has to say them.
 *
 * Images have those of the inside. Users and groups go by the maps of the user namespace; which pid the front has for a task,
 * the task reads itself in the front's /proc, and for the threads the front does.
 */

#include <sched.h>
#include <stdlib.h>
#include <unistd.h>

#include "criu-restore/namespaces-own.h"
#include "criuimg/array.h"
#include "criuimg/cleanup.h"
#include "kernel/proc-file.h"
#include "kernel/proc-status.h"
#include "userns.pb-c.h"

/* ---- users and groups ---- */

static int keep_map(struct kern_idmap *map, UidGidExtent **list, size_t nr, struct img_err *err)
{
	for (size_t i = 0; i < nr; i++) {
		struct kern_idmap_range *at = img_array_more(&map->items, map->nr, &map->room);

		if (!at)
			return img_fail_nomem(err);
		*at = (struct kern_idmap_range){ list[i]->first, list[i]->lower_first, list[i]->count };
		map->nr++;
	}
	return 0;
}

int restore_ns_idmaps(struct restore *r, const UsernsEntry *e, struct img_err *err)
{
	return keep_map(&r->ns->uids, e->uid_map, e->n_uid_map, err) < 0
		       ? -1
		       : keep_map(&r->ns->gids, e->gid_map, e->n_gid_map, err);
}

void restore_ns_get_idmaps(const struct restore *r, const struct kern_idmap **uids, const struct kern_idmap **gids)
{
	*uids = &r->ns->uids;
	*gids = &r->ns->gids;
}

uint32_t restore_front_uid(const struct restore *r, uint32_t uid)
{
	if (restore_ns_new(r, CLONE_NEWUSER))
		kern_idmap_outside(&r->ns->uids, uid, &uid);
	return uid;
}

uint32_t restore_front_gid(const struct restore *r, uint32_t gid)
{
	if (restore_ns_new(r, CLONE_NEWUSER))
		kern_idmap_outside(&r->ns->gids, gid, &gid);
	return gid;
}

/* ---- tasks and threads ---- */

int restore_ns_here(struct restore *r, struct restore_task *t, struct img_err *err)
{
	char text[16] = "";

	if (!restore_ns_new(r, CLONE_NEWPID))
		return 0;
	/* A link that says who reads it, in the pid namespace of the mount: proc(5). */
	if (readlinkat(r->ns->proc, "self", text, sizeof(text) - 1) < 0)
		return img_fail_sys(err, "/proc/self");
	__atomic_store_n(t->here, (uint32_t)atoi(text), __ATOMIC_SEQ_CST);
	return 0;
}

static int threads_here(struct restore_task *t, struct img_err *err)
{
	cleanup_free int *tids = NULL;
	pid_t pid = restore_here(t);
	size_t nr;

	if (t->nr_threads == 1)
		return 0;
	if (kern_proc_numbers(&tids, &nr, err, "/proc/%d/task", pid) < 0)
		return -1;
	for (size_t i = 0; i < nr; i++) {
		struct kern_status s;
		pid_t inner;

		if (kern_status_read(pid, tids[i], &s, err) < 0)
			return -1;
		inner = s.ns_depth ? s.ns_tid[s.ns_depth - 1] : tids[i];
		kern_status_free(&s);
		for (size_t k = 0; k < t->nr_threads; k++)
			if (t->threads[k].tid == inner)
				t->threads[k].here = tids[i];
	}
	return 0;
}

int restore_threads_here(struct restore *r, struct img_err *err)
{
	for (size_t i = 0; i < r->nr_tasks; i++) {
		struct restore_task *t = &r->tasks[i];

		if (!restore_task_lives(t))
			continue;
		for (size_t k = 0; k < t->nr_threads; k++)
			t->threads[k].here = k ? t->threads[k].tid : restore_here(t);
		if (restore_ns_new(r, CLONE_NEWPID) && threads_here(t, err) < 0)
			return img_wrap(err, "pid %d", t->pid);
	}
	return 0;
}
