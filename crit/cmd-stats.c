/* crit/cmd-stats.c -- crit stats: how much there is in a set, and what the runs that made and restored it took. */

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "crit.h"
#include "criuimg/pages.h"
#include "rows.h"
#include "stats.pb-c.h"
#include "x.h"

enum { JSON };
enum { IMAGES };

static const struct crit_option options[] = {
	[JSON] = { "json", 0, NULL, "as JSON" },
	{ 0 },
};

static const struct crit_operand operands[] = {
	[IMAGES] = { "DIR", "the images" },
	{ 0 },
};

/* ---- files ---- */

struct files {
	struct img_set *set;
	uint64_t count[IMG_KIND_NR + 1], bytes[IMG_KIND_NR + 1]; /* the last: of no known kind */
};

static int count_file(void *arg, const char *name, struct img_err *err)
{
	struct files *files = arg;
	enum img_kind kind = img_kind_by_file(name, NULL);
	size_t row = kind == IMG_KIND_UNKNOWN ? IMG_KIND_NR : kind;
	struct img_source *src;
	int64_t size;

	if (img_set_source(files->set, name, &src, err) <= 0)
		return 0;
	size = img_source_size(src);
	img_source_close(src);
	files->count[row]++;
	files->bytes[row] += size > 0 ? size : 0;
	return 0;
}

static json_t *files_rows(struct img_set *set, struct img_err *err)
{
	struct files files = { .set = set };
	struct rows rows;

	if (img_set_each(set, count_file, &files, err) < 0)
		return NULL;
	rows_init(&rows);
	for (size_t i = 0; i <= IMG_KIND_NR; i++) {
		if (!files.count[i])
			continue;
		rows_next(&rows);
		rows_text(&rows, "kind", i < IMG_KIND_NR ? img_kind_info(i)->name : "other");
		rows_int(&rows, "files", files.count[i]);
		rows_int(&rows, "bytes", files.bytes[i]);
	}
	return rows_done(&rows, err);
}

/* ---- memory ---- */

static int task_row(struct x *x, struct rows *rows, uint32_t pid, struct img_err *err)
{
	uint64_t mapped = 0, present = 0, in_parent = 0, lazy = 0;
	struct img_pages_reader *pages;
	const struct img_run *runs;
	char comm[64];
	size_t nr = 0;
	MmEntry *mm;
	int ret = x_read_mm(x, pid, &mm, err);

	if (ret <= 0)
		return ret;
	for (size_t i = 0; i < mm->n_vmas; i++)
		mapped += (mm->vmas[i]->end - mm->vmas[i]->start) / IMG_PAGE;
	img_message_free(&mm->base);
	ret = img_pages_open(x->set, IMG_PAGEMAP, pid, &pages, err);
	if (ret < 0)
		return -1;
	runs = ret ? img_pages_runs(pages, &nr) : NULL;
	for (size_t i = 0; i < nr; i++) {
		present += runs[i].flags & IMG_RUN_PRESENT ? runs[i].nr_pages : 0;
		in_parent += runs[i].flags & IMG_RUN_PARENT ? runs[i].nr_pages : 0;
		lazy += runs[i].flags == IMG_RUN_LAZY ? runs[i].nr_pages : 0;
	}
	if (ret)
		img_pages_close(pages);
	if (x_read_comm(x, pid, comm, err) < 0)
		return -1;
	rows_next(rows);
	rows_int(rows, "pid", pid);
	rows_text(rows, "comm", comm);
	rows_int(rows, "mapped", mapped);
	rows_int(rows, "stored", present);
	rows_int(rows, "in_parent", in_parent);
	rows_int(rows, "lazy", lazy);
	rows_int(rows, "runs", nr);
	return 0;
}

static json_t *memory_rows(struct x *x, struct img_err *err)
{
	struct rows rows;

	rows_init(&rows);
	for (size_t i = 0; i < x->tasks.nr; i++) {
		if (task_row(x, &rows, x->tasks.entries[i]->pid, err) < 0) {
			rows_drop(&rows);
			return NULL;
		}
	}
	return rows_done(&rows, err);
}

/* ---- the reports of the runs: every number of the message ---- */

static int report_rows(struct x *x, struct rows *rows, uint64_t id, const char *run, struct img_err *err)
{
	const ProtobufCMessage *part;
	const StatsEntry *stats;
	ProtobufCMessage *msg;
	int ret = img_read_single(x->set, IMG_STATS, id, &msg, err);

	if (ret <= 0)
		return ret;
	stats = (const StatsEntry *)msg;
	part = stats->dump ? &stats->dump->base : stats->restore ? &stats->restore->base : NULL;
	for (unsigned int i = 0; part && i < part->descriptor->n_fields; i++) {
		const ProtobufCFieldDescriptor *field = &part->descriptor->fields[i];
		const char *at = (const char *)part + field->offset;

		if (field->label == PROTOBUF_C_LABEL_OPTIONAL && !*(const protobuf_c_boolean *)((const char *)part + field->quantifier_offset))
			continue;
		rows_next(rows);
		rows_text(rows, "run", run);
		rows_text(rows, "name", field->name);
		rows_int(rows, "value", field->type == PROTOBUF_C_TYPE_UINT32 ? *(const uint32_t *)at : *(const uint64_t *)at);
		rows_text(rows, "unit", strstr(field->name, "time") || !strcmp(field->name, "irmap_resolve") ? "us" :
				       strstr(field->name, "pipe")				      ? "" : "pages");
	}
	img_message_free(msg);
	return 0;
}

static json_t *reports(struct x *x, struct img_err *err)
{
	struct rows rows;

	rows_init(&rows);
	if (report_rows(x, &rows, 0, "dump", err) == 0 && report_rows(x, &rows, 1, "restore", err) == 0)
		return rows_done(&rows, err);
	rows_drop(&rows);
	return NULL;
}

/* ---- all of it ---- */

static const struct column file_columns[] = {
	{ "kind", "KIND", false, '2' }, { "files", "FILES", true, 0 }, { "bytes", "BYTES", true, 0 }, { 0 },
};
static const struct column memory_columns[] = {
	{ "pid", "PID", true, '6' },	     { "mapped", "PAGES", true, 0 }, { "stored", "STORED", true, 0 },
	{ "in_parent", "IN PARENT", true, 0 }, { "lazy", "LAZY", true, 0 },  { "runs", "RUNS", true, 0 },
	{ "comm", "COMM", false, 0 },	     { 0 },
};
static const struct column report_columns[] = {
	{ "run", "RUN", false, '2' }, { "name", "NAME", false, 0 }, { "value", "VALUE", true, 0 }, { "unit", "UNIT", false, 0 }, { 0 },
};

static const struct {
	const char *key;
	const struct column *columns;
} parts[] = { { "files", file_columns }, { "memory", memory_columns }, { "reports", report_columns } };

static json_t *collect(struct x *x, struct img_err *err)
{
	json_t *files = NULL, *memory = NULL, *report = NULL;

	if (x_tasks_read(x, err) == 0 && (files = files_rows(x->set, err)) && (memory = memory_rows(x, err)) && (report = reports(x, err)))
		return json_pack("{s:o, s:o, s:o}", parts[0].key, files, parts[1].key, memory, parts[2].key, report);
	json_decref(files);
	json_decref(memory);
	return NULL;
}

static int print(const json_t *all, bool json, struct img_err *err)
{
	if (json)
		return rows_print_json(all, err);
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		const json_t *rows = json_object_get(all, parts[i].key);

		if (!json_array_size(rows))
			continue;
		if (i)
			puts("");
		if (rows_print_table(rows, parts[i].columns, err) < 0)
			return -1;
	}
	return 0;
}

static int run(const struct crit_args *args, struct img_err *err)
{
	struct x x;
	json_t *all;
	int ret = x_open(&x, args->operand[IMAGES], err);

	if (ret < 0)
		return -1;
	all = collect(&x, err);
	ret = all ? print(all, args->option[JSON], err) : -1;
	json_decref(all);
	x_close(&x);
	return ret < 0 ? img_wrap(err, "%s", args->operand[IMAGES]) : 0;
}

const struct crit_verb crit_stats = {
	.name = "stats",
	.summary = "how much there is in a set, and what its dump and restore took",
	.options = options,
	.operands = operands,
	.examples = "  crit stats /var/lib/checkpoint\n",
	.run = run,
};
