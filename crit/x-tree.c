/* crit/x-tree.c -- crit x DIR tree: who is whose child, drawn. */

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "criuimg/cleanup.h"
#include "rows.h"
#include "x.h"

/* A task with its children, as JSON. They are put together by ppid; what is its own ancestor is no one's child. */

static json_t *node_of(struct x *x, const PstreeEntry *task, struct img_err *err)
{
	CoreEntry *core = NULL;
	char buf[16];
	struct rows rows;
	json_t *node;

	if (x_read_core(x, task->pid, &core, err) < 0)
		return NULL;
	rows_init(&rows);
	rows_next(&rows);
	rows_int(&rows, "pid", task->pid);
	rows_text(&rows, "comm", core && core->tc ? core->tc->comm : "?");
	rows_text(&rows, "state", core && core->tc ? x_state_name(core->tc->task_state, buf) : NULL);
	rows_int(&rows, "pgid", task->pgid);
	rows_int(&rows, "sid", task->sid);
	rows_int(&rows, "threads", task->n_threads);
	rows_value(&rows, "children", json_array());
	if (core)
		img_message_free(&core->base);
	node = rows.failed ? NULL : json_incref(rows.row);
	rows_drop(&rows);
	if (!node)
		img_fail_nomem(err);
	return node;
}

struct pid_node {
	uint32_t pid;
	json_t *node; /* borrowed */
};

static int compare(const void *a_, const void *b_)
{
	const struct pid_node *a = a_, *b = b_;

	return (a->pid > b->pid) - (a->pid < b->pid);
}

/* Who is not reached from a root is in a circle. */
static size_t count(const json_t *list)
{
	size_t n = 0, i;
	json_t *node;

	json_array_foreach ((json_t *)list, i, node)
		n += 1 + count(json_object_get(node, "children"));
	return n;
}

static json_t *link_up(struct x *x, struct pid_node *sorted, json_t **nodes, struct img_err *err)
{
	json_t *roots = json_array();

	for (size_t i = 0; i < x->tasks.nr && roots; i++) {
		struct pid_node key = { .pid = x->tasks.entries[i]->ppid }, *parent;

		parent = bsearch(&key, sorted, x->tasks.nr, sizeof(*sorted), compare);
		if (parent && parent->node != nodes[i])
			json_array_append(json_object_get(parent->node, "children"), nodes[i]);
		else
			json_array_append(roots, nodes[i]);
	}
	if (!roots)
		img_fail_nomem(err);
	return roots;
}

static json_t *rows(struct x *x, struct img_err *err)
{
	size_t nr = x->tasks.nr;
	cleanup_free json_t **nodes = calloc(nr + 1, sizeof(*nodes));
	cleanup_free struct pid_node *sorted = calloc(nr + 1, sizeof(*sorted));
	json_t *roots = NULL;
	size_t i = 0;

	for (; nodes && sorted && i < nr; i++) {
		nodes[i] = node_of(x, x->tasks.entries[i], err);
		if (!nodes[i])
			break;
		sorted[i] = (struct pid_node){ x->tasks.entries[i]->pid, nodes[i] };
	}
	if (!nodes || !sorted)
		img_fail_nomem(err);
	if (nodes && sorted && i == nr) {
		qsort(sorted, nr, sizeof(*sorted), compare);
		roots = link_up(x, sorted, nodes, err);
	}
	if (roots && count(roots) != nr) {
		/* A circle of references would never be freed: take it apart. */
		for (size_t n = 0; n < nr; n++)
			json_array_clear(json_object_get(nodes[n], "children"));
		img_fail(err, IMG_CORRUPT, "pstree.img: tasks are their own ancestors");
		json_decref(roots);
		roots = NULL;
	}
	for (size_t n = 0; nodes && n < nr; n++)
		json_decref(nodes[n]);
	return roots;
}

static void print_node(const json_t *node, const char *prefix, bool last, bool root, bool colour)
{
	size_t threads = json_integer_value(json_object_get(node, "threads"));
	const char *state = json_string_value(json_object_get(node, "state"));
	cleanup_free char *comm = rows_cell(json_object_get(node, "comm"));

	if (!root)
		printf("%s%s", prefix, last ? "└─ " : "├─ ");
	printf(colour ? "\033[36m%" JSON_INTEGER_FORMAT "\033[0m %s" : "%" JSON_INTEGER_FORMAT " %s",
		json_integer_value(json_object_get(node, "pid")), comm ? comm : "?");
	if (threads > 1)
		printf(" {%zu threads}", threads);
	if (state && strcmp(state, "alive"))
		printf(colour ? " \033[33m[%s]\033[0m" : " [%s]", state);
	puts("");
}

static int print_nodes(const json_t *list, const char *prefix, bool root, bool colour, struct img_err *err)
{
	size_t n = json_array_size(list), i;
	const json_t *node;

	json_array_foreach (list, i, node) {
		cleanup_free char *deeper = NULL;
		bool last = i + 1 == n;

		print_node(node, prefix, last, root, colour);
		if (asprintf(&deeper, "%s%s", prefix, root ? "" : last ? "   " : "│  ") < 0) {
			deeper = NULL;
			return img_fail_nomem(err);
		}
		if (print_nodes(json_object_get(node, "children"), deeper, false, colour, err) < 0)
			return -1;
	}
	return 0;
}

static int print(struct x *x, struct img_err *err)
{
	json_t *roots = rows(x, err);
	int ret;

	if (!roots)
		return -1;
	ret = print_nodes(roots, "", true, rows_colour(), err);
	json_decref(roots);
	return ret;
}

const struct x_view x_tree = {
	.name = "tree",
	.summary = "the tree of tasks, drawn",
	.print = print,
	.rows = rows,
};
