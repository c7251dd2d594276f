/* crit/cmd-diff.c -- crit diff: what is different between two sets: tasks, descriptors, mappings, pages.
 *
 * Tasks, descriptors and mappings are the rows of the views, held against each other by what names them; pages by their bytes, wherever
 * each set has them.
 */

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "crit.h"
#include "criuimg/cleanup.h"
#include "criuimg/pages.h"
#include "rows.h"
#include "x.h"

enum { JSON };
enum { A, B };

static const struct crit_option options[] = {
	[JSON] = { "json", 0, NULL, "as JSON" },
	{ 0 },
};

static const struct crit_operand operands[] = {
	[A] = { "A", "the images of before" },
	[B] = { "B", "the images of after" },
	{ 0 },
};

/* One row per view: what names a row, what it may differ in. */
static const struct part {
	const char *what;
	const struct x_view *view;
	const char *keys[3], *fields[8];
} parts[] = {
	{ "task", &x_ps, { "pid" }, { "comm", "state", "ppid", "pgid", "sid", "threads", "exit_code" } },
	{ "descriptor", &x_fds, { "pid", "fd" }, { "type", "name", "close_on_exec" } },
	{ "socket", &x_sk, { "pid", "fd" }, { "proto", "state", "local", "peer", "recv_q", "send_q" } },
	{ "mapping", &x_mems, { "pid", "start" }, { "end", "prot", "name", "offset", "flags" } },
};

/* ---- rows ---- */

/* "1234 0x7f00": what names a row. */
static char *name_of(const struct part *part, const json_t *row)
{
	cleanup_free char *first = rows_cell(json_object_get(row, part->keys[0]));
	cleanup_free char *second = part->keys[1] ? rows_cell(json_object_get(row, part->keys[1])) : NULL;
	char *name;

	if (!first || asprintf(&name, "%s%s%s", first, second ? " " : "", second ? second : "") < 0)
		return NULL;
	return name;
}

/* A socket that no descriptor leads to has no name that another set could have, too. */
static bool has_name(const struct part *part, const json_t *row)
{
	return !json_is_null(json_object_get(row, part->keys[0]));
}

/* {name: row}, borrowing the rows. */
static json_t *index_of(const struct part *part, const json_t *rows)
{
	json_t *index = json_object(), *row;
	size_t i;

	json_array_foreach ((json_t *)rows, i, row) {
		cleanup_free char *name = name_of(part, row);

		if (!has_name(part, row))
			continue;
		if (!name || json_object_set(index, name, row) < 0) {
			json_decref(index);
			return NULL;
		}
	}
	return index;
}

static void begin(struct rows *out, const struct part *part, const char *change, const json_t *row)
{
	rows_next(out);
	rows_text(out, "what", part->what);
	rows_text(out, "change", change);
	for (size_t k = 0; k < 3 && part->keys[k]; k++)
		rows_value(out, part->keys[k], json_incref(json_object_get(row, part->keys[k])));
}

/* What a row says beside its name, or, of two, where they differ: [before, after]. NULL: nowhere. */
static json_t *fields_of(const struct part *part, const json_t *a, const json_t *b)
{
	json_t *fields = json_object();

	for (size_t f = 0; f < 8 && part->fields[f] && fields; f++) {
		json_t *before = json_object_get(a, part->fields[f]), *after = json_object_get(b, part->fields[f]);

		if (a && b && before != after && !(before && after && json_equal(before, after)))
			json_object_set_new(fields, part->fields[f],
				json_pack("[O?, O?]", before ? before : json_null(), after ? after : json_null()));
		if ((!a || !b) && (before || after))
			json_object_set(fields, part->fields[f], before ? before : after);
	}
	if (a && b && fields && !json_object_size(fields)) {
		json_decref(fields);
		return NULL;
	}
	return fields;
}

static int compare_rows(struct rows *out, const struct part *part, const json_t *a, const json_t *b, struct img_err *err)
{
	json_t *in_a = index_of(part, a), *in_b = index_of(part, b), *row, *other, *fields;
	size_t i;

	json_array_foreach ((json_t *)a, i, row) {
		cleanup_free char *name = name_of(part, row);

		if (!has_name(part, row))
			continue;
		other = name ? json_object_get(in_b, name) : NULL;
		fields = fields_of(part, row, other);
		if (fields) {
			begin(out, part, other ? "changed" : "removed", row);
			rows_value(out, "fields", fields);
		}
	}
	json_array_foreach ((json_t *)b, i, row) {
		cleanup_free char *name = name_of(part, row);

		if (!name || !has_name(part, row) || json_object_get(in_a, name))
			continue;
		begin(out, part, "added", row);
		rows_value(out, "fields", fields_of(part, NULL, row));
	}
	i = in_a && in_b;
	json_decref(in_a);
	json_decref(in_b);
	return i ? 0 : img_fail_nomem(err);
}

static int compare_view(struct rows *out, const struct part *part, struct x *a, struct x *b, struct img_err *err)
{
	json_t *rows_a, *rows_b;
	int ret = -1;

	if (part->view->files && (x_files_read(a, err) < 0 || x_files_read(b, err) < 0))
		return -1;
	rows_a = x_view_rows(a, part->view, err);
	rows_b = rows_a ? x_view_rows(b, part->view, err) : NULL;
	if (rows_b)
		ret = compare_rows(out, part, rows_a, rows_b, err);
	json_decref(rows_a);
	json_decref(rows_b);
	return ret;
}

/* ---- pages ---- */

struct page_counts {
	uint64_t same, changed, only_a, only_b;
};

/* Is a page there, and up to where is that so? */
static bool stored(struct img_pages_reader *pages, uint64_t addr, uint64_t *end)
{
	const struct img_run *runs;
	size_t nr, i;

	*end = UINT64_MAX;
	if (!pages)
		return false;
	runs = img_pages_runs(pages, &nr);
	i = img_pages_find(pages, addr);
	if (i == nr)
		return false;
	*end = runs[i].addr > addr ? runs[i].addr : runs[i].addr + runs[i].nr_pages * IMG_PAGE;
	return runs[i].addr <= addr && runs[i].flags & (IMG_RUN_PRESENT | IMG_RUN_PARENT);
}

#define PAGES 64

static int compare_run(struct img_pages_reader *a, struct img_pages_reader *b, uint64_t addr, uint64_t end, struct page_counts *counts,
	struct img_err *err)
{
	static const size_t size = PAGES * IMG_PAGE;
	cleanup_free char *buf = malloc(2 * size);

	if (!buf)
		return img_fail_nomem(err);
	while (addr < end) {
		uint64_t n = (end - addr) / IMG_PAGE < PAGES ? (end - addr) / IMG_PAGE : PAGES;

		if (img_pages_read(a, addr, n, buf, err) < 0 || img_pages_read(b, addr, n, buf + size, err) < 0)
			return -1;
		for (uint64_t i = 0; i < n; i++) {
			if (memcmp(buf + i * IMG_PAGE, buf + size + i * IMG_PAGE, IMG_PAGE))
				counts->changed++;
			else
				counts->same++;
		}
		addr += n * IMG_PAGE;
	}
	return 0;
}

static int compare_pages(struct img_pages_reader *a, struct img_pages_reader *b, struct page_counts *counts, struct img_err *err)
{
	for (uint64_t addr = 0;;) {
		uint64_t end_a, end_b, end;
		bool in_a = stored(a, addr, &end_a), in_b = stored(b, addr, &end_b);

		end = end_a < end_b ? end_a : end_b;
		if (end == UINT64_MAX)
			return 0;
		if (in_a && in_b && compare_run(a, b, addr, end, counts, err) < 0)
			return -1;
		if (in_a && !in_b)
			counts->only_a += (end - addr) / IMG_PAGE;
		if (in_b && !in_a)
			counts->only_b += (end - addr) / IMG_PAGE;
		addr = end;
	}
}

static int pages_of_task(struct rows *out, struct x *a, struct x *b, uint32_t pid, struct img_err *err)
{
	struct page_counts counts = { 0 };
	struct img_pages_reader *in_a = NULL, *in_b = NULL;
	int ret = img_pages_open(a->set, IMG_PAGEMAP, pid, &in_a, err);

	if (ret >= 0)
		ret = img_pages_open(b->set, IMG_PAGEMAP, pid, &in_b, err);
	if (ret >= 0)
		ret = compare_pages(in_a, in_b, &counts, err);
	img_pages_close(in_a);
	img_pages_close(in_b);
	if (ret < 0)
		return img_wrap(err, "pages of task %" PRIu32, pid);
	if (!counts.changed && !counts.only_a && !counts.only_b)
		return 0;
	rows_next(out);
	rows_text(out, "what", "pages");
	rows_text(out, "change", "changed");
	rows_int(out, "pid", pid);
	rows_value(out, "fields", json_pack("{s:I, s:I, s:I, s:I}", "same", (json_int_t)counts.same, "changed", (json_int_t)counts.changed,
					  "only_before", (json_int_t)counts.only_a, "only_after", (json_int_t)counts.only_b));
	return 0;
}

/* ---- all of it ---- */

/* What a pre-dump wrote has memory only: 1 when there are tasks, 0, -1. */
static int read_tasks(struct x *x, struct img_err *err)
{
	int ret = img_set_has(x->set, img_kind_info(IMG_PSTREE)->file, err);

	return ret > 0 ? (x_tasks_read(x, err) < 0 ? -1 : 1) : ret;
}

static json_t *compare(struct x *a, struct x *b, struct img_err *err)
{
	int tasks_a = read_tasks(a, err), tasks_b = tasks_a < 0 ? -1 : read_tasks(b, err);
	const struct x_tasks *tasks = tasks_a > 0 ? &a->tasks : &b->tasks;
	struct rows out;
	int ret = tasks_b < 0 ? -1 : 0;

	if (ret == 0 && !tasks_a && !tasks_b) {
		img_fail(err, IMG_CORRUPT, "neither of the two has a pstree.img: they are no sets, or those of pre-dumps");
		return NULL;
	}
	rows_init(&out);
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]) && ret == 0 && tasks_a && tasks_b; i++)
		ret = compare_view(&out, &parts[i], a, b, err);
	for (size_t i = 0; i < tasks->nr && ret == 0; i++)
		if (!tasks_a || !tasks_b || x_task(b, tasks->entries[i]->pid))
			ret = pages_of_task(&out, a, b, tasks->entries[i]->pid, err);
	if (ret == 0)
		return rows_done(&out, err);
	rows_drop(&out);
	return NULL;
}

static void print_row(const json_t *row, bool colour)
{
	const char *change = json_string_value(json_object_get(row, "change"));
	const char *what = json_string_value(json_object_get(row, "what"));
	char sign = *change == 'a' ? '+' : *change == 'r' ? '-' : '~';
	cleanup_free char *pid = rows_cell(json_object_get(row, "pid"));
	const json_t *second = json_object_get(row, "fd") ? json_object_get(row, "fd") : json_object_get(row, "start");
	cleanup_free char *more = second ? rows_cell(second) : NULL;
	const json_t *value;
	const char *key;

	if (colour)
		printf("\033[3%cm", sign == '+' ? '2' : sign == '-' ? '1' : '3');
	printf("%c %s %s%s%s:", sign, what, pid ? pid : "?", more ? " " : "", more ? more : "");
	json_object_foreach ((json_t *)json_object_get(row, "fields"), key, value) {
		cleanup_free char *before = rows_cell(sign == '~' && json_is_array(value) ? json_array_get(value, 0) : value);
		cleanup_free char *after = sign == '~' && json_is_array(value) ? rows_cell(json_array_get(value, 1)) : NULL;

		printf(" %s=%s", key, before ? before : "?");
		if (after)
			printf(" -> %s", after);
	}
	puts(colour ? "\033[0m" : "");
}

static int run(const struct crit_args *args, struct img_err *err)
{
	struct x a, b = { 0 };
	json_t *rows = NULL, *row;
	size_t i;
	int ret = x_open(&a, args->operand[A], err);

	if (ret < 0)
		return -1;
	ret = x_open(&b, args->operand[B], err);
	if (ret == 0) {
		rows = compare(&a, &b, err);
		ret = rows ? 0 : -1;
		x_close(&b);
	}
	x_close(&a);
	if (rows && args->option[JSON]) {
		ret = rows_print_json(rows, err);
	} else {
		bool colour = rows_colour();

		json_array_foreach (rows, i, row)
			print_row(row, colour);
	}
	json_decref(rows);
	return ret;
}

const struct crit_verb crit_diff = {
	.name = "diff",
	.summary = "what is different between two sets: tasks, descriptors, mappings, pages",
	.options = options,
	.operands = operands,
	.examples = "  crit diff images/1 images/2\n"
		    "  crit diff --json images/1 images/2 | jq '.[] | select(.what == \"pages\")'\n",
	.run = run,
};
