/* criu-dump/snapshot.c -- --snapshot: the tasks are held while their state is written down and their memory is copied by fork(2);
 * what is in it is written when they run on.
 *
 * The copy of a task's memory is a process that the dump blob makes (parasite/blob.h): a child of a child that has ended, so that
 * the task never sees it. It never runs a program: it waits, and is stopped by us (PTRACE_O_EXITKILL: it ends when we do). Shared
 * memory is not copied by fork: its content is written before the tasks run on, or, where an archive wants it later, copied.
 *
 * What fork does not copy either (MADV_DONTFORK, MADV_WIPEONFORK, huge pages of hugetlbfs, which may run out), or a task that
 * cannot fork or might not be let (seccomp), means that the tasks are held until all is written, as without --snapshot.
 *
 * To read the flags of mappings (smaps) takes a walk over all memory, so that is done before the tasks are stopped. What was
 * mapped since is read again, and the copy, which has the flags too, tells whether they are right.
 */

#include <errno.h>
#include <inttypes.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "criu-dump/mem.h"
#include "criu-dump/spine.h"
#include "criu-dump/task_ops.h"
#include "criuimg/array.h"
#include "criuimg/cleanup.h"
#include "kernel/maps.h"
#include "kernel/proc-file.h"
#include "kernel/proc-stat.h"
#include "kernel/ptrace.h"

IMG_DEFINE_CLEANUP(struct inject_batch *, inject_batch_free);

enum {
	WAIT_ALL = 0x40000000, /* __WALL */
	STOP_MS = 10000,
};

/* A task as it was found before it was stopped. */
struct seen {
	pid_t pid;
	uint64_t start;
	struct kern_maps maps;
};

struct dump_snap {
	struct seen *seen;
	size_t nr, room;
	bool off; /* the tasks are held until the end */
};

/* ---- before ---- */

static int see(struct dump_snap *s, pid_t pid, struct img_err *err)
{
	struct seen *seen = img_array_more(&s->seen, s->nr, &s->room);
	struct kern_stat stat;

	if (!seen)
		return img_fail_nomem(err);
	/* What ends meanwhile is of no interest. */
	if (kern_stat_read(pid, &stat, NULL) < 0)
		return 0;
	*seen = (struct seen){ .pid = pid, .start = stat.starttime, .maps = KERN_MAPS_INIT };
	if (kern_maps_read(pid, true, &seen->maps, NULL) < 0)
		kern_maps_free(&seen->maps);
	else
		s->nr++;
	return 0;
}

static int see_tree(struct dump_snap *s, pid_t root, struct img_err *err)
{
	cleanup_free pid_t *pids = NULL;
	size_t nr = 0, room = 0;

	if (!img_array_more(&pids, nr, &room))
		return img_fail_nomem(err);
	pids[nr++] = root;
	for (size_t i = 0; i < nr; i++) {
		cleanup_free int *tids = NULL;
		size_t nr_tids = 0;

		if (see(s, pids[i], err) < 0)
			return -1;
		if (kern_proc_numbers(&tids, &nr_tids, NULL, "/proc/%d/task", pids[i]) < 0)
			continue;
		for (size_t k = 0; k < nr_tids; k++) {
			cleanup_free int *children = NULL;
			size_t nr_children = 0;

			if (kern_proc_children(pids[i], tids[k], &children, &nr_children, NULL) < 0)
				continue;
			for (size_t c = 0; c < nr_children; c++) {
				if (!img_array_more(&pids, nr, &room))
					return img_fail_nomem(err);
				pids[nr++] = children[c];
			}
		}
	}
	return 0;
}

static int forget(struct dump *d, void *unused, struct img_err *err);

int dump_snap_look(struct dump *d, struct img_err *err)
{
	if (!d->opt->leave_running)
		return img_fail(err, IMG_USAGE, "--snapshot is for tasks that run on: with -R");
	d->snap = img_arena_alloc(&d->arena, sizeof(*d->snap));
	if (!d->snap)
		return img_fail_nomem(err);
	if (undo_push(&d->undo, UNDO_ALWAYS, "end the copies of memory", forget, NULL, err) < 0)
		return -1;
	return see_tree(d->snap, d->opt->tree, err);
}

/* ---- the mappings ---- */

/* The mapping that this one was, or was a part of, or has grown from. */
static const struct kern_vma *was(const struct kern_maps *before, const struct kern_vma *now)
{
	const struct kern_vma *v = kern_maps_find(before, now->start);

	if (!v)
		v = kern_maps_find(before, now->end - 1);
	if (!v || v->prot != now->prot || v->shared != now->shared || v->ino != now->ino || v->dev_major != now->dev_major ||
		v->dev_minor != now->dev_minor || strcmp(v->name, now->name))
		return NULL;
	if (v->ino ? now->offset - now->start != v->offset - v->start : v->start != now->start && v->end != now->end)
		return NULL;
	return v->end >= now->end || !v->ino ? v : NULL;
}

static int read_maps(const struct dump_snap *s, struct dump_task *t, struct img_err *err)
{
	const struct seen *seen = NULL;
	bool all = true;

	for (size_t i = 0; i < s->nr && !seen; i++)
		if (s->seen[i].pid == t->pid && s->seen[i].start == t->stat.starttime)
			seen = &s->seen[i];
	if (!seen)
		return kern_maps_read(t->pid, true, t->maps, err);
	if (kern_maps_read(t->pid, false, t->maps, err) < 0)
		return -1;
	for (size_t i = 0; i < t->maps->nr && all; i++) {
		struct kern_vma *v = &t->maps->vmas[i];
		const struct kern_vma *before = was(&seen->maps, v);

		all = before;
		if (all) {
			v->flags = before->flags;
			v->page_size = before->page_size;
			v->pkey = before->pkey;
		}
	}
	for (size_t i = 0; i < seen->maps.nr_unknown && i < ARRAY_SIZE(t->maps->unknown); i++) {
		memcpy(t->maps->unknown[i], seen->maps.unknown[i], sizeof(t->maps->unknown[i]));
		t->maps->nr_unknown = i + 1;
	}
	if (all)
		return 0;
	kern_maps_free(t->maps);
	*t->maps = (struct kern_maps)KERN_MAPS_INIT;
	return kern_maps_read(t->pid, true, t->maps, err);
}

int dump_snap_maps(struct dump *d, struct img_err *err)
{
	for_each_live_task(d, t) {
		t->maps = calloc(1, sizeof(*t->maps));
		if (!t->maps)
			return img_fail_nomem(err);
		if (read_maps(d->snap, t, err) < 0)
			return img_wrap(err, "pid %d", t->pid);
		t->compat = dump_is_compat(t);
	}
	return 0;
}

/* ---- the copies ---- */

static const char *not_copied(const struct dump_task *t)
{
	/* They hold for the child that forks, too, and may end it in the worst way. */
	if (t->threads[0].status.seccomp)
		return "it has filters of system calls (seccomp)";
	for (size_t i = 0; i < t->mem->nr_vmas; i++) {
		const struct dump_vma *v = &t->mem->vmas[i];

		if (v->data != DUMP_VMA_PRIVATE && v->data != DUMP_VMA_WHOLE)
			continue;
		if (v->map->flags & (KERN_VM(DONTCOPY) | KERN_VM(WIPEONFORK) | KERN_VM(HUGETLB)))
			return "it has memory that fork(2) does not copy";
		if (v->data == DUMP_VMA_WHOLE && !(v->rec.status & IMG_VMA_VDSO))
			return "it has rings of asynchronous I/O";
	}
	return NULL;
}

/* The pid, here, of what the task knows by another one. */
static pid_t pid_here(const struct dump_task *t, pid_t pid)
{
	cleanup_free int *pids = NULL;
	int depth = t->threads[0].status.ns_depth;
	size_t nr = 0;

	if (depth == 1)
		return pid;
	if (kern_proc_numbers(&pids, &nr, NULL, "/proc") < 0)
		return 0;
	/* It is the youngest that there is. */
	while (nr--) {
		struct kern_status status;
		struct kern_stat stat;
		bool it;

		if (kern_status_read(pids[nr], pids[nr], &status, NULL) < 0)
			continue;
		it = status.ns_depth == depth && status.ns_tgid[depth - 1] == pid;
		kern_status_free(&status);
		if (it && kern_stat_read(pids[nr], &stat, NULL) == 0 && !strcmp(stat.comm, t->stat.comm))
			return pids[nr];
	}
	return 0;
}

static int make_copy(struct dump *d, struct dump_task *t, pid_t *copy, struct img_err *err)
{
	cleanup_with(inject_batch_free) struct inject_batch *make = inject_batch_new();
	cleanup_with(inject_batch_free) struct inject_batch *reap = inject_batch_new();
	long child = -1;
	int pid = 0;

	if (!make || !reap)
		return img_fail_nomem(err);
	if (!dump_ask_runs_blob(t))
		return img_fail(err, IMG_UNSUPPORTED, "code of ours cannot be run in it");
	inject_call(make, &child, SYS_clone, inj_val(CLONE_VM | CLONE_VFORK), inj_val(0), inj_out(&pid, sizeof(pid)), inj_val(0),
		inj_val(0));
	if (dump_ask_leader(d, t, make, err) < 0)
		return -1;
	if (child < 0) {
		errno = -child;
		return img_fail_sys(err, "clone inside");
	}
	inject_call(reap, NULL, SYS_wait4, inj_val(child), inj_val(0), inj_val(WAIT_ALL), inj_val(0));
	if (dump_ask_leader(d, t, reap, err) < 0)
		return -1;
	*copy = pid > 0 ? pid_here(t, pid) : 0;
	return *copy > 0 ? 0 : img_fail(err, IMG_SYS, "fork inside");
}

/* Hold it for good, and see that it is what it should be. */
static int hold(const struct dump_task *t, pid_t copy, struct img_err *err)
{
	struct kern_stop stop;
	struct kern_stat stat;

	if (kern_ptrace_seize(NULL, copy, PTRACE_O_EXITKILL, err) < 0)
		return -1;
	if (kern_ptrace_interrupt(copy, err) < 0)
		return -1;
	switch (kern_wait_stop(copy, STOP_MS, &stop, err)) {
	case 1:
		break;
	case 0:
		return img_fail(err, IMG_SYS, "the copy does not stop");
	default:
		return -1;
	}
	if (kern_stat_read(copy, &stat, err) < 0)
		return -1;
	return strcmp(stat.comm, t->stat.comm) ? img_fail(err, IMG_SYS, "the copy is another process") : 0;
}

static void end_copy(struct dump_task *t)
{
	pid_t copy = t->mem ? t->mem->copy : 0;

	if (!copy)
		return;
	t->mem->copy = 0;
	if (kill(copy, SIGKILL) < 0)
		return;
	while (waitpid(copy, NULL, WAIT_ALL) < 0 && errno == EINTR)
		;
}

static int copy_task(struct dump *d, struct dump_task *t, struct img_err *err)
{
	const char *why_not = not_copied(t);

	if (why_not)
		return img_fail(err, IMG_UNSUPPORTED, "%s", why_not);
	if (make_copy(d, t, &t->mem->copy, err) < 0)
		return -1;
	return hold(t, t->mem->copy, err);
}

int dump_snap_take(struct dump *d, struct img_err *err)
{
	for_each_live_task(d, t) {
		struct img_err why = IMG_ERR_INIT;

		if (dump_go_on(d, err) < 0)
			return -1;
		if (copy_task(d, t, &why) == 0)
			continue;
		log_warn(d->log, "pid %d: no snapshot, the tasks are held until all is written: %s", t->pid, why.text);
		d->snap->off = true;
		break;
	}
	if (d->snap->off)
		for_each_live_task(d, t)
			end_copy(t);
	return 0;
}

int dump_snap_release(struct dump *d, struct img_err *err)
{
	if (d->snap->off)
		return 0;
	if (dump_unfreeze(d, NULL, err) < 0)
		return -1;
	d->running = true;
	d->stats.frozen_time = dump_now_us() - d->frozen_at_us;
	return 0;
}

/* ---- memory ---- */

int dump_snap_shared(struct dump *d, struct img_err *err)
{
	if (!img_set_maps_first(d->set))
		return dump_pages_shared(d, err);
	for (const struct task_dump_ops *const *room = dump_task_rooms; *room; room++)
		if ((*room)->tree_keep && (*room)->tree_keep(d, err) < 0)
			return img_wrap(err, "%s", (*room)->name);
	return 0;
}

int dump_snap_pages(struct dump *d, struct img_err *err)
{
	return img_set_maps_first(d->set) ? dump_pages(d, err) : dump_pages_tasks(d, err);
}

/* ---- the rest ---- */

/* Flags that fork(2) changes, and those that are no business of ours. */
static const uint64_t other_in_copy = KERN_VM(LOCKED) | KERN_VM(LOCKONFAULT) | KERN_VM(SOFTDIRTY) | KERN_VM(UFFD_WP) |
				      KERN_VM(GUARD) | KERN_VM(ACCOUNT);

/* The flags were read before the tasks were stopped: are they the same? */
static int check_flags(const struct dump_task *t, struct img_err *err)
{
	struct kern_maps copy = KERN_MAPS_INIT;
	int ret = kern_maps_read(t->mem->copy, true, &copy, err);

	for (size_t i = 0; i < t->maps->nr && ret == 0; i++) {
		const struct kern_vma *v = &t->maps->vmas[i], *c = kern_maps_find(&copy, v->start);

		if (c ? (c->flags ^ v->flags) & ~other_in_copy : !(v->flags & KERN_VM(DONTCOPY)))
			ret = img_fail(err, IMG_SYS,
				"mapping %" PRIx64 "-%" PRIx64 " was changed (madvise) just as it was looked at: try again",
				v->start, v->end);
	}
	kern_maps_free(&copy);
	return ret;
}

int dump_snap_rest(struct dump *d, struct img_err *err)
{
	for_each_live_task(d, t) {
		if (dump_go_on(d, err) < 0)
			return -1;
		if (t->mem->copy && check_flags(t, err) < 0)
			return img_wrap(err, "pid %d", t->pid);
		for (const struct task_dump_ops *const *room = dump_task_rooms; *room; room++)
			if ((*room)->late && (*room)->late(d, t, err) < 0) {
				img_wrap(err, "%s", (*room)->name);
				return img_wrap(err, "pid %d", t->pid);
			}
	}
	return 0;
}

int dump_snap_end(struct dump *d, struct img_err *err)
{
	for_each_live_task(d, t)
		end_copy(t);
	return 0;
}

static int forget(struct dump *d, void *unused, struct img_err *err)
{
	for_each_live_task(d, t)
		end_copy(t);
	for (size_t i = 0; i < d->snap->nr; i++)
		kern_maps_free(&d->snap->seen[i].maps);
	free(d->snap->seen);
	d->snap->seen = NULL;
	d->snap->nr = 0;
	return 0;
}
