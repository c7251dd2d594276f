/* crit/cmd-report.c -- crit report: one self-contained HTML page about a set.
 *
 * Every text that comes from an image is escaped; the page loads nothing and runs no script.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "crit.h"
#include "criuimg/cleanup.h"
#include "inventory.pb-c.h"
#include "report.h"

enum { OUT, ENV };
enum { IMAGES };

static const struct crit_option options[] = {
	[OUT] = { "out", 'o', "FILE", "where the page goes (standard output)" },
	[ENV] = { "env", 0, NULL, "with the environment of each task" },
	{ 0 },
};

static const struct crit_operand operands[] = {
	[IMAGES] = { "DIR", "the images" },
	{ 0 },
};

/* ---- text ---- */

void report_escape(FILE *out, const char *text)
{
	for (; *text; text++) {
		switch (*text) {
		case '<':
			fputs("&lt;", out);
			break;
		case '>':
			fputs("&gt;", out);
			break;
		case '&':
			fputs("&amp;", out);
			break;
		case '"':
			fputs("&quot;", out);
			break;
		default:
			fputc(*text, out);
		}
	}
}

void report_value(FILE *out, const json_t *value)
{
	cleanup_free char *cell = rows_cell(value);

	report_escape(out, cell ? cell : "?");
}

static const char head[] =
	"<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n"
	"<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>Checkpoint</title>\n<style>\n"
	":root{--bg:#fbfbfa;--fg:#1d2129;--soft:#6b7280;--line:#e2e4e8;--card:#fff;--mark:#2563eb}\n"
	"@media(prefers-color-scheme:dark){:root{--bg:#16181c;--fg:#e4e6ea;--soft:#9aa1ad;--line:#32363e;--card:#1e2127;--mark:#7aa2ff}}\n"
	"body{margin:0;background:var(--bg);color:var(--fg);font:14px/1.5 system-ui,sans-serif}\n"
	"main{max-width:1180px;margin:0 auto;padding:24px}\nh1{font-size:24px;margin:0 0 4px}\n"
	"h2{font-size:17px;margin:32px 0 10px}\n.soft{color:var(--soft)}\n"
	".cards{display:flex;flex-wrap:wrap;gap:12px;margin:18px 0}\n"
	".card{background:var(--card);border:1px solid var(--line);border-radius:8px;padding:10px 16px;min-width:96px}\n"
	".card b{display:block;font-size:20px}\n"
	".box{background:var(--card);border:1px solid var(--line);border-radius:8px;padding:6px 0;overflow-x:auto}\n"
	"table{border-collapse:collapse;width:100%}\n"
	"th{font-weight:600;text-align:left;color:var(--soft);font-size:12px}\n"
	"th,td{padding:3px 12px;white-space:nowrap;vertical-align:top}\ntd{font-family:ui-monospace,monospace;font-size:12.5px}\n"
	"td.wrap{white-space:normal;overflow-wrap:anywhere}\n"
	"td.n,th.n{text-align:right}\nth:last-child,td:last-child{width:100%}\ntr+tr td{border-top:1px solid var(--line)}\n"
	".tree,.tree ul{list-style:none;margin:0;padding-left:20px}\n.tree{padding:6px 16px}\n.tree ul{border-left:1px solid var(--line)}\n"
	".tree code{color:var(--mark)}\n.state{font-size:12px;border:1px solid var(--line);border-radius:8px;padding:0 6px}\n"
	"nav{position:sticky;top:0;background:var(--bg);border-bottom:1px solid var(--line);padding:8px 0;z-index:1}\n"
	"nav a{color:var(--mark);text-decoration:none;margin-right:16px;white-space:nowrap}\nh2{scroll-margin-top:48px}\n"
	".tree details{margin:0}.tree li.leaf{padding-left:15px}\n.bar{height:8px;border-radius:2px;background:#22c55e;min-width:1px}\n"
	"@media print{nav{display:none}}\n"
	"details{margin:8px 0}\nsummary{cursor:pointer}\nsvg{display:block;box-sizing:border-box;padding:4px 12px}\n"
	".legend span{display:inline-block;width:11px;height:11px;border-radius:2px;margin:0 5px 0 14px;vertical-align:-1px}\n"
	"</style></head><body><main>\n";

/* ---- tables ---- */

static void put_table(FILE *out, const json_t *rows, const struct column *columns)
{
	const json_t *row;
	size_t i;

	fputs("<div class=\"box\"><table><tr>", out);
	for (const struct column *c = columns; c->key; c++) {
		fputs(c->right ? "<th class=\"n\">" : "<th>", out);
		report_escape(out, c->title);
		fputs("</th>", out);
	}
	fputs("</tr>\n", out);
	json_array_foreach (rows, i, row) {
		fputs("<tr>", out);
		for (const struct column *c = columns; c->key; c++) {
			fputs(c->right ? "<td class=\"n\">" : c[1].key ? "<td>" : "<td class=\"wrap\">", out);
			report_value(out, json_object_get(row, c->key));
			fputs("</td>", out);
		}
		fputs("</tr>\n", out);
	}
	fputs("</table></div>\n", out);
}

static const struct column fd_columns[] = {
	{ "pid", "PID", true, 0 }, { "fd", "FD", true, 0 }, { "type", "TYPE", false, 0 }, { "name", "NAME", false, 0 }, { 0 },
};

/* One row per section that is the table of a view. */
static const struct section {
	const char *title;
	const struct x_view *view;
	const struct column *columns; /* NULL: those of the view */
	bool folded;		      /* to be opened by whoever wants it */
} sections[] = {
	{ "Commands", &x_args, NULL, false },	    { "Threads", &x_threads, NULL, false },
	{ "Sockets", &x_sk, NULL, false },	    { "Descriptors", &x_fds, fd_columns, true },
	{ "Open files", &x_open_files, NULL, false }, { "Mounts", &x_mounts, NULL, false },
	{ "Namespaces", &x_ns, NULL, false },	    { "Control groups", &x_cgroups, NULL, true },
	{ "Credentials", &x_creds, NULL, true },    { "Timers", &x_timers, NULL, true },
	{ "Signals", &x_signals, NULL, true },
};

#define ROWS_OPEN  100 /* tables of more are folded */
#define TASKS_OPEN 200 /* in a tree of more tasks, what is deeper than */
#define DEPTH_OPEN 3   /* this is folded */

static int put_section(FILE *out, struct x *x, const struct section *section, struct img_err *err)
{
	json_t *rows;

	if (section->view->files && x_files_read(x, err) < 0)
		return -1;
	rows = x_view_rows(x, section->view, err);
	if (!rows)
		return img_wrap(err, "%s", section->view->name);
	if (json_array_size(rows)) {
		bool folded = section->folded || json_array_size(rows) > ROWS_OPEN;

		fprintf(out, "<h2 id=\"%s\">%s <span class=\"soft\">%zu</span></h2>\n", section->view->name, section->title, json_array_size(rows));
		fputs(folded ? "<details><summary>show</summary>" : "", out);
		put_table(out, rows, section->columns ? section->columns : section->view->columns);
		fputs(folded ? "</details>\n" : "", out);
	}
	json_decref(rows);
	return 0;
}

/* ---- summary and tree ---- */

static void put_card(FILE *out, const char *name, uint64_t value)
{
	fprintf(out, "<div class=\"card\"><b>%llu</b>%s</div>\n", (unsigned long long)value, name);
}

static void put_size_card(FILE *out, const char *name, uint64_t bytes)
{
	static const char *const units[] = { "B", "KiB", "MiB", "GiB", "TiB" };
	double value = bytes;
	size_t unit = 0;

	for (; value >= 1024 && unit < 4; unit++)
		value /= 1024;
	fprintf(out, "<div class=\"card\"><b>%.*f %s</b>%s</div>\n", unit && value < 10 ? 1 : 0, value, units[unit], name);
}

static int put_summary(FILE *out, struct x *x, const char *dir, struct img_err *err)
{
	struct report_totals totals = { 0 };
	ProtobufCMessage *msg;
	int ret;

	if (report_count(x, &totals, err) < 0)
		return -1;
	fputs("<h1>Checkpoint</h1><div class=\"soft\">", out);
	report_escape(out, dir);
	ret = img_read_single(x->set, IMG_INVENTORY, 0, &msg, err);
	if (ret < 0)
		return -1;
	if (ret) {
		const InventoryEntry *inventory = (const InventoryEntry *)msg;

		fprintf(out, " &middot; images of version 1.%u%s", inventory->img_version ? inventory->img_version - 1 : 0,
			totals.manifest ? ", with a manifest (version 2)" : "");
		img_message_free(msg);
	}
	fputs("</div>\n<div class=\"cards\">\n", out);
	put_card(out, "tasks", x->tasks.nr);
	put_card(out, "threads", totals.threads);
	put_card(out, "mappings", totals.mappings);
	put_card(out, "open files", x->objects.nr);
	put_card(out, "descriptors", x->objects.nr_uses);
	put_size_card(out, "mapped", totals.mapped);
	put_size_card(out, "stored", totals.stored);
	if (totals.in_parent)
		put_size_card(out, "in the parent", totals.in_parent);
	fputs("</div>\n", out);
	return 0;
}

static size_t count_nodes(const json_t *list)
{
	const json_t *node;
	size_t i, n = 0;

	json_array_foreach (list, i, node)
		n += 1 + count_nodes(json_object_get(node, "children"));
	return n;
}

static void put_node(FILE *out, const json_t *node)
{
	const char *state = json_string_value(json_object_get(node, "state"));
	json_int_t threads = json_integer_value(json_object_get(node, "threads"));

	fputs("<code>", out);
	report_value(out, json_object_get(node, "pid"));
	fputs("</code> ", out);
	report_value(out, json_object_get(node, "comm"));
	if (threads > 1)
		fprintf(out, " <span class=\"soft\">%d threads</span>", (int)threads);
	if (state && strcmp(state, "alive")) {
		fputs(" <span class=\"state\">", out);
		report_escape(out, state);
		fputs("</span>", out);
	}
}

/* open: how many levels from here on are unfolded. */
static void put_nodes(FILE *out, const json_t *list, unsigned int depth, unsigned int open)
{
	const json_t *node;
	size_t i;

	fputs(depth ? "<ul>\n" : "<ul class=\"tree box\">\n", out);
	json_array_foreach (list, i, node) {
		const json_t *children = json_object_get(node, "children");

		if (!json_array_size(children)) {
			fputs("<li class=\"leaf\">", out);
			put_node(out, node);
			fputs("</li>\n", out);
			continue;
		}
		fprintf(out, "<li><details%s><summary>", open ? " open" : "");
		put_node(out, node);
		if (!open)
			fprintf(out, " <span class=\"soft\">and %zu below</span>", count_nodes(children));
		fputs("</summary>", out);
		put_nodes(out, children, depth + 1, open ? open - 1 : 0);
		fputs("</details></li>\n", out);
	}
	fputs("</ul>\n", out);
}

static int put_tree(FILE *out, struct x *x, struct img_err *err)
{
	json_t *roots = x_tree.rows(x, err);

	if (!roots)
		return -1;
	fprintf(out, "<h2 id=\"tree\">Tasks <span class=\"soft\">%zu</span></h2>\n", x->tasks.nr);
	put_nodes(out, roots, 0, x->tasks.nr > TASKS_OPEN ? DEPTH_OPEN : 1000);
	json_decref(roots);
	return 0;
}

/* ---- the page ---- */

/* What a set has nothing of leads nowhere, and is not shown. */
static void put_nav(FILE *out)
{
	fputs("<nav><a href=\"#tree\">Tasks</a><a href=\"#memory\">Memory</a>", out);
	for (size_t i = 0; i < sizeof(sections) / sizeof(sections[0]); i++)
		fprintf(out, "<a href=\"#%s\">%s</a>", sections[i].view->name, sections[i].title);
	fputs("</nav>\n", out);
}

static int put_page(FILE *out, struct x *x, const char *dir, bool env, struct img_err *err)
{
	static const struct section environment = { "Environment", &x_env, NULL, true };

	if (x_uses_read(x, err) < 0)
		return -1;
	fputs(head, out);
	if (put_summary(out, x, dir, err) < 0)
		return -1;
	put_nav(out);
	if (put_tree(out, x, err) < 0 || report_memory(out, x, err) < 0)
		return -1;
	for (size_t i = 0; i < sizeof(sections) / sizeof(sections[0]); i++)
		if (put_section(out, x, &sections[i], err) < 0)
			return -1;
	if (env && put_section(out, x, &environment, err) < 0)
		return -1;
	fputs("</main></body></html>\n", out);
	return 0;
}

static int write_page(struct x *x, const struct crit_args *args, struct img_err *err)
{
	struct crit_output output;
	char *page = NULL;
	size_t size;
	FILE *out = open_memstream(&page, &size);
	int ret;

	if (!out)
		return img_fail_nomem(err);
	ret = put_page(out, x, args->operand[IMAGES], args->option[ENV], err);
	if (fclose(out) && ret == 0)
		ret = img_fail_nomem(err);
	if (ret == 0)
		ret = crit_output_open(&output, args->option[OUT], err);
	if (ret == 0) {
		if (img_sink_write(output.sink, page, size, err) < 0) {
			crit_output_abort(&output);
			ret = -1;
		} else {
			ret = crit_output_finish(&output, err);
		}
	}
	free(page);
	return ret;
}

static int run(const struct crit_args *args, struct img_err *err)
{
	struct x x;
	int ret = x_open(&x, args->operand[IMAGES], err);

	if (ret < 0)
		return -1;
	ret = write_page(&x, args, err);
	x_close(&x);
	return ret;
}

const struct crit_verb crit_report = {
	.name = "report",
	.summary = "one HTML page about a set: tasks, memory drawn, descriptors, sockets, mounts",
	.options = options,
	.operands = operands,
	.examples = "  crit report /var/lib/checkpoint -o report.html\n",
	.run = run,
};
