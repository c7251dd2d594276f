/* crit/x-ps.c -- crit x DIR ps: the tree of tasks. */

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "core.pb-c.h"
#include "criuimg/cleanup.h"
#include "rows.h"
#include "x.h"

#define NONE SIZE_MAX

/* A task's place among the others; all are numbers of x->tasks. */
struct place {
	uint32_t pid;
	size_t task;
	size_t parent, first, last, next; /* children and siblings, in the order of the image */
};

static int compare(const void *a_, const void *b_)
{
	const struct place *a = a_, *b = b_;

	return (a->pid > b->pid) - (a->pid < b->pid);
}

/* Where in the sorted places is this pid? */
static size_t find(const struct place *places, size_t nr, uint32_t pid)
{
	const struct place key = { .pid = pid }, *found = bsearch(&key, places, nr, sizeof(key), compare);

	return found ? (size_t)(found - places) : NONE;
}

/* `of`, sorted by pid, is what tells where the task of a pid is; tree is indexed by task. */
static void link_up(const struct x_tasks *tasks, const struct place *of, struct place *tree)
{
	for (size_t i = 0; i < tasks->nr; i++) {
		size_t at = find(of, tasks->nr, tasks->entries[i]->ppid);
		size_t parent = at == NONE ? NONE : of[at].task;

		tree[i].parent = parent;
		if (parent == NONE)
			continue;
		if (tree[parent].first == NONE)
			tree[parent].first = i;
		else
			tree[tree[parent].last].next = i;
		tree[parent].last = i;
	}
}

static int print_task(struct x *x, const PstreeEntry *task, unsigned int depth, struct img_err *err)
{
	ProtobufCMessage *msg;
	const CoreEntry *core;
	int ret = img_read_single(x->set, IMG_CORE, task->pid, &msg, err);

	if (ret < 0)
		return -1;
	core = ret ? (const CoreEntry *)msg : NULL;
	printf("%7" PRIu32 "%7" PRIu32 "%7" PRIu32 "   %*s%s\n", task->pid, task->pgid, task->sid, 4 * (int)depth, "",
		core && core->tc ? core->tc->comm : "?");
	if (core)
		img_message_free(msg);
	return 0;
}

/* A task and all below it, each before its children. *printed counts them. */
static int print_tree(struct x *x, const struct place *tree, size_t root, size_t *printed, struct img_err *err)
{
	unsigned int depth = 0;
	size_t i = root;

	for (;;) {
		if (print_task(x, x->tasks.entries[i], depth, err) < 0)
			return -1;
		(*printed)++;
		if (tree[i].first != NONE) {
			i = tree[i].first;
			depth++;
			continue;
		}
		while (i != root && tree[i].next == NONE) {
			i = tree[i].parent;
			depth--;
		}
		if (i == root)
			return 0;
		i = tree[i].next;
	}
}

static int print(struct x *x, struct img_err *err)
{
	size_t nr = x->tasks.nr, printed = 0;
	cleanup_free struct place *of = calloc(nr + 1, sizeof(*of));
	cleanup_free struct place *tree = calloc(nr + 1, sizeof(*tree));

	if (!of || !tree)
		return img_fail_nomem(err);
	for (size_t i = 0; i < nr; i++) {
		of[i] = (struct place){ .pid = x->tasks.entries[i]->pid, .task = i };
		tree[i] = (struct place){ .parent = NONE, .first = NONE, .last = NONE, .next = NONE };
	}
	qsort(of, nr, sizeof(*of), compare);
	link_up(&x->tasks, of, tree);

	printf("%7s%7s%7s   %s\n", "PID", "PGID", "SID", "COMM");
	for (size_t i = 0; i < nr; i++)
		if (tree[i].parent == NONE && print_tree(x, tree, i, &printed, err) < 0)
			return -1;
	if (printed < nr)
		return img_fail(err, IMG_CORRUPT, "pstree.img: %zu tasks are their own ancestors", nr - printed);
	return 0;
}

/* ---- as rows ---- */

static int add_task(struct x *x, struct rows *rows, const PstreeEntry *task, struct img_err *err)
{
	CoreEntry *core = NULL;
	char octal[16];

	if (x_read_core(x, task->pid, &core, err) < 0)
		return -1;
	rows_next(rows);
	rows_int(rows, "pid", task->pid);
	rows_int(rows, "ppid", task->ppid);
	rows_int(rows, "pgid", task->pgid);
	rows_int(rows, "sid", task->sid);
	rows_int(rows, "threads", task->n_threads);
	rows_text(rows, "state", core && core->tc ? x_state_name(core->tc->task_state, octal) : NULL);
	if (core && core->tc && core->tc->task_state == X_STATE_ZOMBIE)
		rows_int(rows, "exit_code", core->tc->exit_code);
	rows_text(rows, "comm", core && core->tc ? core->tc->comm : NULL);
	if (core)
		img_message_free(&core->base);
	return 0;
}

const struct x_view x_ps = {
	.name = "ps",
	.summary = "the tree of tasks",
	.print = print,
	.task = add_task,
};
