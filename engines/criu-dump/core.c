/* criu-dump/core.c -- core-%d.img: a record for each thread, filled by the rooms; and the rooms' other
 * hooks, in their turn. */

#include <signal.h>
#include <string.h>

#include "criu-dump/spine.h"
#include "criu-dump/task_ops.h"
#include "criuimg/cleanup.h"
#include "criuimg/image.h"
#include "kernel/proc-file.h"

/* /proc/PID/task/TID/comm: 15 bytes, then a newline; the name itself may hold anything else. */
static char *read_comm(struct dump_thread *th, struct img_err *err)
{
	size_t len;
	cleanup_free char *text = kern_proc_read(&len, err, "/proc/%d/task/%d/comm", th->task->pid, th->tid);
	char *comm;

	if (!text)
		return NULL;
	if (len && text[len - 1] == '\n')
		text[len - 1] = '\0';
	comm = img_arena_strdup(&th->task->arena, text);
	if (!comm)
		img_fail_nomem(err);
	return comm;
}

static int make_task_part(struct dump_task *t, CoreEntry *core, struct img_err *err)
{
	struct img_arena *arena = &t->arena;
	TaskCoreEntry *tc = img_arena_message(arena, TaskCoreEntry, task_core_entry);

	if (!tc)
		return img_fail_nomem(err);
	tc->task_state = t->state;
	tc->exit_code = t->exit_code;
	if (t->state == DUMP_TASK_STOPPED) {
		tc->has_stop_signo = 1;
		tc->stop_signo = t->stop_signo;
	}
	if (t->stat.exit_signal != SIGCHLD) {
		tc->has_exit_signal = 1;
		tc->exit_signal = t->stat.exit_signal;
	}
	if (t->state != DUMP_TASK_ZOMBIE)
		tc->flags = t->stat.flags;
	tc->comm = read_comm(&t->threads[0], err);
	core->tc = tc;
	return tc->comm ? 0 : -1;
}

static int make_core(struct dump_thread *th, struct img_err *err)
{
	struct dump_task *t = th->task;
	CoreEntry *core = img_arena_message(&t->arena, CoreEntry, core_entry);

	if (!core)
		return img_fail_nomem(err);
	core->mtype = CORE_ENTRY__MARCH__X86_64;
	th->core = core;
	if (th == t->threads && make_task_part(t, core, err) < 0)
		return -1;
	if (t->state == DUMP_TASK_ZOMBIE)
		return 0;

	core->thread_core = img_arena_message(&t->arena, ThreadCoreEntry, thread_core_entry);
	if (!core->thread_core)
		return img_fail_nomem(err);
	/* That of criu-dump, unless the room says otherwise: it has no image. */
	core->thread_core->has_cg_set = 1;
	core->thread_core->cg_set = 1;
	core->thread_core->comm = read_comm(th, err);
	return core->thread_core->comm ? 0 : -1;
}

int dump_cores(struct dump *d, struct img_err *err)
{
	for_each_task(d, t)
		for_each_thread(t, th)
			if (make_core(th, err) < 0)
				return img_wrap(err, "pid %d", t->pid);
	return 0;
}

static int fill_task(struct dump *d, struct dump_task *t, struct img_err *err)
{
	for (const struct task_dump_ops *const *room = dump_task_rooms; *room; room++) {
		if ((*room)->task && (*room)->task(d, t, err) < 0)
			return img_wrap(err, "%s", (*room)->name);
		if (!(*room)->thread)
			continue;
		for_each_thread(t, th)
			if ((*room)->thread(d, th, err) < 0) {
				img_wrap(err, "%s", (*room)->name);
				return th == t->threads ? -1 : img_wrap(err, "thread %d", th->tid);
			}
	}
	return 0;
}

int dump_cores_write(struct dump *d, struct img_err *err)
{
	for_each_task(d, t) {
		if (dump_go_on(d, err) < 0)
			return -1;
		if (t->state != DUMP_TASK_ZOMBIE && fill_task(d, t, err) < 0)
			return img_wrap(err, "pid %d", t->pid);
		for_each_thread(t, th)
			if (img_write_single(d->set, IMG_CORE, th->vtid, &th->core->base, err) < 0)
				return -1;
		if (t->ids && img_write_single(d->set, IMG_IDS, t->vpid, &t->ids->base, err) < 0)
			return -1;
	}
	for (const struct task_dump_ops *const *room = dump_task_rooms; *room; room++)
		if ((*room)->tree && (*room)->tree(d, err) < 0)
			return img_wrap(err, "%s", (*room)->name);
	return 0;
}

static int pages_of_tasks(struct dump *d, struct img_err *err)
{
	for_each_live_task(d, t)
		for (const struct task_dump_ops *const *room = dump_task_rooms; *room; room++) {
			if (dump_go_on(d, err) < 0)
				return -1;
			if ((*room)->pages && (*room)->pages(d, t, err) < 0) {
				img_wrap(err, "%s", (*room)->name);
				return img_wrap(err, "pid %d", t->pid);
			}
		}
	return 0;
}

int dump_pages_tasks(struct dump *d, struct img_err *err)
{
	int ret;

	dump_progress_start(d);
	ret = pages_of_tasks(d, err);
	dump_progress_end(d);
	return ret;
}

int dump_pages_shared(struct dump *d, struct img_err *err)
{
	for (const struct task_dump_ops *const *room = dump_task_rooms; *room; room++)
		if ((*room)->tree_pages && (*room)->tree_pages(d, err) < 0)
			return img_wrap(err, "%s", (*room)->name);
	return 0;
}

/* Who reads a stream needs the content of shared memory first: it is there before the tasks are. */
static int stream_pages(struct dump *d, enum img_pages_pass pass, struct img_err *err)
{
	DumpStatsEntry stats = d->stats;
	struct log *log = d->log, none = { .fd = -1 };
	int ret;

	img_set_pages_pass(d->set, pass);
	if (pass == IMG_PAGES_MAPS)
		d->log = &none;
	ret = dump_pages_shared(d, err);
	if (!ret)
		ret = dump_pages_tasks(d, err);
	d->log = log;
	/* Counted when they are written. */
	if (pass == IMG_PAGES_MAPS)
		d->stats = stats;
	return ret;
}

int dump_pages(struct dump *d, struct img_err *err)
{
	uint64_t start = dump_now_us();
	int ret;

	if (img_set_maps_first(d->set)) {
		ret = stream_pages(d, IMG_PAGES_MAPS, err);
		if (!ret)
			ret = stream_pages(d, IMG_PAGES_DATA, err);
	} else {
		ret = dump_pages_tasks(d, err);
		if (!ret)
			ret = dump_pages_shared(d, err);
	}
	d->stats.memdump_time = (uint32_t)(dump_now_us() - start);
	return ret;
}
