/* criu-dump/tree.c -- the tasks of a tree: found, looked at, put in order. */

#include <elf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "criu-dump/spine.h"
#include "criuimg/cleanup.h"
#include "kernel/maps.h"
#include "kernel/proc-file.h"
#include "kernel/ptrace.h"

/* include/linux/sched.h; shown in /proc/PID/stat. */
#define PF_KTHREAD 0x00200000u

/* ---- finding them ---- */

static int no_such_process(pid_t pid, struct img_err *err)
{
	img_fail(err, IMG_SYS, "pid %d: no such process", pid);
	err->sys_errno = ESRCH;
	return -1;
}

/* What can be seen of a process before it is touched, and cannot be the root of a tree. */
static int check_root(pid_t root, struct img_err *err)
{
	struct kern_status status;
	struct kern_stat stat;
	pid_t tgid;

	if (kern_stat_read(root, &stat, err) < 0) {
		if (err->sys_errno == ENOENT || err->sys_errno == ESRCH)
			return no_such_process(root, err);
		return img_wrap(err, "pid %d", root);
	}
	if (stat.flags & PF_KTHREAD)
		return img_fail(err, IMG_UNSUPPORTED, "pid %d: a thread of the kernel", root);
	if (kern_status_read(root, root, &status, err) < 0)
		return img_wrap(err, "pid %d", root);
	tgid = status.tgid;
	kern_status_free(&status);
	if (tgid != root)
		return img_fail(err, IMG_USAGE, "pid %d: a thread of process %d", root, tgid);
	if ((stat.state == 'Z' || stat.state == 'X') && stat.num_threads < 2)
		return img_fail(
			err, IMG_SYS, "pid %d: it has ended, and waits for its parent to take note", root);
	return 0;
}

int dump_tree_root(struct dump *d, struct img_err *err)
{
	pid_t root = d->opt->tree;
	struct kern_stat stat;

	if (root <= 0)
		return img_fail(err, IMG_USAGE, "no process is named: -t PID is missing");
	for (pid_t pid = getpid(); pid > 0; pid = stat.ppid) {
		if (pid == root)
			return img_fail(
				err, IMG_UNSUPPORTED, "pid %d: criu-dump itself is part of this tree", root);
		if (kern_stat_read(pid, &stat, err) < 0)
			return -1;
	}
	if (check_root(root, err) < 0)
		return -1;
	return dump_task_new(d, root, NULL, err) ? 0 : -1;
}

int dump_find_children(struct dump *d, struct dump_task *t, struct img_err *err)
{
	int found = 0;

	for_each_thread(t, th) {
		cleanup_free int *pids = NULL;
		struct img_err why;
		size_t nr = 0;

		if (kern_proc_children(t->pid, th->tid, &pids, &nr, &why) < 0) {
			if (why.sys_errno == ENOENT || why.sys_errno == ESRCH)
				continue; /* ended meanwhile */
			*err = why;
			return -1;
		}
		for (size_t i = 0; i < nr; i++) {
			struct dump_task *known = dump_task_by_pid(d, pids[i]);

			if (known) {
				known->parent = t; /* it may have been given to a subreaper since */
				continue;
			}
			if (!dump_task_new(d, pids[i], t, err))
				return -1;
			found++;
		}
	}
	return found;
}

int dump_tree_look(struct dump *d, struct img_err *err)
{
	if (dump_tree_root(d, err) < 0)
		return -1;
	for (size_t i = 0; i < d->tasks.nr; i++) {
		struct dump_task *t = d->tasks.items[i];
		cleanup_free int *tids = NULL;
		size_t nr;

		if (kern_proc_numbers(&tids, &nr, err, "/proc/%d/task", t->pid) < 0)
			return -1;
		for (size_t k = 0; k < nr; k++)
			if (tids[k] != t->pid && !dump_thread_new(t, tids[k], err))
				return -1;
		if (dump_find_children(d, t, err) < 0)
			return -1;
	}
	return dump_tree_settle(d, err);
}

/* ---- looking at them ---- */

static int look_at_thread(struct dump_thread *th, struct img_err *err)
{
	const struct kern_status *s = &th->status;

	kern_status_free(&th->status);
	if (kern_status_read(th->task->pid, th->tid, &th->status, err) < 0)
		return -1;
	th->vtid = s->ns_tid[s->ns_depth - 1];
	return 0;
}

static int look_at_task(struct dump *d, struct dump_task *t, struct img_err *err)
{
	const struct kern_status *s = &t->threads[0].status;
	int inner;

	if (kern_stat_read(t->pid, &t->stat, err) < 0)
		return -1;
	for_each_thread(t, th)
		if (look_at_thread(th, err) < 0)
			return -1;
	inner = s->ns_depth - 1;
	t->vpid = s->ns_tgid[inner];
	t->pgid = s->ns_pgid[inner];
	t->sid = s->ns_sid[inner];
	if (t->stat.state == 'Z' || t->stat.state == 'X') {
		t->state = DUMP_TASK_ZOMBIE;
		t->exit_code = t->stat.exit_code;
		return 0;
	}
	if (d->dry_run && t->stat.state == 'T')
		t->state = DUMP_TASK_STOPPED;
	if (t->pidfd < 0)
		t->pidfd = syscall(SYS_pidfd_open, t->pid, 0);
	if (t->pidfd < 0)
		return img_fail_sys(err, "pidfd_open");
	return 0;
}

static int compare_pids(const void *a, const void *b)
{
	const struct dump_task *x = *(struct dump_task *const *)a, *y = *(struct dump_task *const *)b;

	return (x->pid > y->pid) - (x->pid < y->pid);
}

/* Append t and all below it to out, in tree order. Depth is not bounded by us, so no recursion: each
 * task's next child is looked for among `sorted` (by parent, then pid), where its children are one run. */
static int compare_parents(const void *a, const void *b)
{
	const struct dump_task *x = *(struct dump_task *const *)a, *y = *(struct dump_task *const *)b;
	pid_t p = x->parent ? x->parent->pid : 0, q = y->parent ? y->parent->pid : 0;

	if (p != q)
		return (p > q) - (p < q);
	return compare_pids(a, b);
}

static size_t first_child(struct dump_task **sorted, size_t nr, pid_t parent)
{
	size_t low = 0, high = nr;

	while (low < high) {
		size_t mid = low + (high - low) / 2;
		pid_t p = sorted[mid]->parent ? sorted[mid]->parent->pid : 0;

		if (p < parent)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

static int tree_order(struct dump *d, struct img_err *err)
{
	size_t nr = d->tasks.nr, out = 0, depth = 0;
	cleanup_free struct dump_task **sorted = calloc(nr, sizeof(*sorted));
	cleanup_free size_t *next = calloc(nr + 1, sizeof(*next)); /* for each level: the child to come */

	if (!sorted || !next)
		return img_fail_nomem(err);
	memcpy(sorted, d->tasks.items, nr * sizeof(*sorted));
	qsort(sorted, nr, sizeof(*sorted), compare_parents);

	/* sorted[0] is the root: its parent counts as 0. */
	d->tasks.items[out++] = sorted[0];
	next[0] = first_child(sorted, nr, sorted[0]->pid);
	for (struct dump_task *at = sorted[0]; at;) {
		size_t n = next[depth];

		if (n < nr && sorted[n]->parent == at && out < nr) {
			next[depth++]++;
			at = sorted[n];
			d->tasks.items[out++] = at;
			next[depth] = first_child(sorted, nr, at->pid);
		} else if (depth) {
			depth--;
			at = at->parent;
		} else {
			at = NULL;
		}
	}
	if (out != nr)
		return img_fail(err, IMG_SYS, "the tree changed while it was looked at");
	return 0;
}

int dump_tree_settle(struct dump *d, struct img_err *err)
{
	for_each_task(d, t)
		if (look_at_task(d, t, err) < 0)
			return img_wrap(err, "pid %d", t->pid);
	if (tree_order(d, err) < 0)
		return -1;
	for_each_task(d, t) {
		t->ppid = t->parent ? t->parent->vpid : 0;
		log_info(d->log, "pid %d: %s, parent %d, group %d, session %d, %zu thread%s", t->pid,
			t->state == DUMP_TASK_ZOMBIE	? "zombie"
			: t->state == DUMP_TASK_STOPPED ? "stopped"
							: "alive",
			t->ppid, t->pgid, t->sid, t->nr_threads, t->nr_threads == 1 ? "" : "s");
	}
	return 0;
}

bool dump_is_compat(const struct dump_task *t)
{
	unsigned char ident[EI_NIDENT];

	for (size_t i = 0; i < t->maps->nr; i++)
		if (!strcmp(t->maps->vmas[i].name, "[vdso]") &&
			kern_vm_read(t->pid, t->maps->vmas[i].start, ident, sizeof(ident), NULL) == 0)
			return ident[EI_CLASS] == ELFCLASS32;
	return !arch_regs_native(&t->threads[0].regs);
}

int dump_maps(struct dump *d, struct img_err *err)
{
	for_each_live_task(d, t) {
		t->maps = calloc(1, sizeof(*t->maps));
		if (!t->maps)
			return img_fail_nomem(err);
		if (kern_maps_read(t->pid, true, t->maps, err) < 0)
			return img_wrap(err, "pid %d", t->pid);
		t->compat = !d->dry_run && dump_is_compat(t);
		log_debug(d->log, "pid %d: %zu mappings", t->pid, t->maps->nr);
	}
	return 0;
}
