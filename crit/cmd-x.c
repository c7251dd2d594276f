/* crit/cmd-x.c -- crit x: looks through a whole set of images. */

#include <stdio.h>
#include <string.h>

#include "crit.h"
#include "criuimg/array.h"
#include "rows.h"
#include "x.h"

enum { JSON };
enum { DIR, WHAT };

static const struct crit_option options[] = {
	[JSON] = { "json", 0, NULL, "as JSON: a list of objects" },
	{ 0 },
};

static const struct crit_operand operands[] = {
	[DIR] = { "DIR", "the images" },
	[WHAT] = { "WHAT", "what to show, see below" },
	{ 0 },
};

const struct x_view *const x_views[] = {
	&x_ps, &x_tree, &x_threads, &x_args, &x_env, &x_creds, &x_signals, &x_timers, &x_fds, &x_open_files, &x_sk, &x_mems, &x_rss, &x_mounts,
	&x_ns, &x_cgroups, NULL,
};

const struct x_view *x_view_called(const char *name)
{
	for (const struct x_view *const *view = x_views; *view; view++)
		if (!strcmp((*view)->name, name))
			return *view;
	return NULL;
}

static void more_help(void)
{
	puts("\nWHAT is one of:");
	for (const struct x_view *const *view = x_views; *view; view++)
		printf("  %-10s %s\n", (*view)->name, (*view)->summary);
}

static int add_tasks(struct x *x, const struct x_view *view, struct rows *rows, struct img_err *err)
{
	int ret = 0;

	for (size_t i = 0; i < x->tasks.nr && ret == 0; i++)
		ret = view->task(x, rows, x->tasks.entries[i], err);
	if (ret < 0)
		rows_drop(rows);
	return ret;
}

json_t *x_view_rows(struct x *x, const struct x_view *view, struct img_err *err)
{
	struct rows rows;

	if (view->rows)
		return view->rows(x, err);
	rows_init(&rows);
	return add_tasks(x, view, &rows, err) < 0 ? NULL : rows_done(&rows, err);
}

static int print_tasks(struct x *x, const struct x_view *view, struct img_err *err)
{
	struct rows rows;

	rows_init(&rows);
	rows.print = true;
	return add_tasks(x, view, &rows, err) < 0 ? -1 : rows_print_end(&rows, err);
}

static int print_rows(struct x *x, const struct x_view *view, bool json, struct img_err *err)
{
	json_t *rows = x_view_rows(x, view, err);
	int ret;

	if (!rows)
		return -1;
	ret = json ? rows_print_json(rows, err) : rows_print_table(rows, view->columns, err);
	json_decref(rows);
	return ret;
}

static int show(struct x *x, const struct x_view *view, bool json, struct img_err *err)
{
	if (x_tasks_read(x, err) < 0 || (view->files && x_files_read(x, err) < 0))
		return -1;
	if (view->print && !json)
		return view->print(x, err);
	return view->task && json ? print_tasks(x, view, err) : print_rows(x, view, json, err);
}

static int run(const struct crit_args *args, struct img_err *err)
{
	const struct x_view *view = x_view_called(args->operand[WHAT]);
	struct x x;
	int ret;

	if (!view)
		return img_fail(err, IMG_USAGE, "x: %s: nothing that can be shown (see `crit x --help`)", args->operand[WHAT]);
	if (x_open(&x, args->operand[DIR], err) < 0)
		return -1;
	ret = show(&x, view, args->option[JSON], err);
	x_close(&x);
	return ret < 0 ? img_wrap(err, "%s", args->operand[DIR]) : 0;
}

const struct crit_verb crit_x = {
	.name = "x",
	.summary = "look through a set of images: tasks, descriptors, sockets, mappings, mounts, ...",
	.options = options,
	.operands = operands,
	.more_help = more_help,
	.examples = "  crit x /var/lib/checkpoint ps\n"
		    "  crit x /var/lib/checkpoint mems | grep -A30 ^1234\n"
		    "  crit x /var/lib/checkpoint sk --json | jq '.[] | select(.state == \"LISTEN\") | .local'\n",
	.run = run,
};
