/* crit/x-cgroups.c -- crit x DIR cgroups: the control groups that tasks are in. */

#include <inttypes.h>
#include <stdio.h>

#include "cgroup.pb-c.h"
#include "rows.h"
#include "x.h"

static const CgSetEntry *find_set(const CgroupEntry *groups, uint32_t id)
{
	for (size_t i = 0; groups && i < groups->n_sets; i++)
		if (groups->sets[i]->id == id)
			return groups->sets[i];
	return NULL;
}

static void add_rows(struct rows *rows, const CgroupEntry *groups, uint32_t pid, uint32_t tid, uint32_t id)
{
	const CgSetEntry *set = find_set(groups, id);

	for (size_t i = 0; set && i < set->n_ctls; i++) {
		rows_next(rows);
		rows_int(rows, "pid", pid);
		rows_int(rows, "tid", tid);
		rows_int(rows, "set", id);
		rows_text(rows, "controller", *set->ctls[i]->name ? set->ctls[i]->name : "unified");
		rows_text(rows, "path", set->ctls[i]->path);
	}
	if (!set) {
		rows_next(rows);
		rows_int(rows, "pid", pid);
		rows_int(rows, "tid", tid);
		rows_int(rows, "set", id);
	}
}

static int add_task(struct x *x, struct rows *rows, const CgroupEntry *groups, const PstreeEntry *task, struct img_err *err)
{
	uint32_t of_task = 0;

	for (size_t i = 0; i < x_thread_count(task); i++) {
		CoreEntry *core;
		uint32_t set = 0;
		int ret = x_read_core(x, x_thread_id(task, i), &core, err);

		if (ret < 0)
			return -1;
		if (ret == 0)
			continue;
		if (core->thread_core && core->thread_core->has_cg_set)
			set = core->thread_core->cg_set;
		else if (core->tc && core->tc->has_cg_set)
			set = core->tc->cg_set;
		img_message_free(&core->base);
		/* Threads only where they are elsewhere. */
		if (set && (i == 0 || set != of_task))
			add_rows(rows, groups, task->pid, x_thread_id(task, i), set);
		if (i == 0)
			of_task = set;
	}
	return 0;
}

static json_t *rows(struct x *x, struct img_err *err)
{
	ProtobufCMessage *msg = NULL;
	struct rows rows;
	int ret = img_read_single(x->set, IMG_CGROUP, 0, &msg, err);

	if (ret < 0)
		return NULL;
	rows_init(&rows);
	ret = 0;
	for (size_t i = 0; i < x->tasks.nr && ret == 0; i++)
		ret = add_task(x, &rows, (const CgroupEntry *)msg, x->tasks.entries[i], err);
	if (msg)
		img_message_free(msg);
	if (ret == 0)
		return rows_done(&rows, err);
	rows_drop(&rows);
	return NULL;
}

static const struct column columns[] = {
	{ "pid", "PID", true, '6' },
	{ "tid", "TID", true, '6' },
	{ "set", "SET", true, 0 },
	{ "controller", "CONTROLLER", false, '2' },
	{ "path", "PATH", false, 0 },
	{ 0 },
};

const struct x_view x_cgroups = {
	.name = "cgroups",
	.summary = "the control groups that tasks are in",
	.rows = rows,
	.columns = columns,
};
