/* crit/cmd-grep.c -- crit grep: finds bytes in the memory of all tasks.
 *
 * Memory goes through a window of fixed size. Matches that start in its last bytes wait until more is there, so none is cut by the
 * end of a piece; what is contiguous in the address space is searched as one.
 */

#define PCRE2_CODE_UNIT_WIDTH 8

#include <inttypes.h>
#include <pcre2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "crit.h"
#include "criuimg/cleanup.h"
#include "memory-walk.h"
#include "rows.h"

enum { HEX, EXTENDED, IGNORE_CASE, TASK, FILES, COUNT };
enum { PATTERN, IMAGES };

static const struct crit_option options[] = {
	[HEX] = { "hex", 'x', NULL, "PATTERN is bytes in hexadecimal: \"7f 45 4c 46\"" },
	[EXTENDED] = { "extended-regexp", 'E', NULL, "PATTERN is a regular expression (as perl has them); a match has at most 64 KiB" },
	[IGNORE_CASE] = { "ignore-case", 'i', NULL, "letters match in either case" },
	[TASK] = { "pid", 'p', "PID", "only in this task" },
	[FILES] = { "files", 0, NULL, "pages of mapped files that are not in the images, too: from the files" },
	[COUNT] = { "count", 'c', NULL, "only how many there are, of each task" },
	{ 0 },
};

static const struct crit_operand operands[] = {
	[PATTERN] = { "PATTERN", "what to find: text, byte for byte" },
	[IMAGES] = { "DIR", "the images" },
	{ 0 },
};

#define CONTEXT	  24		/* bytes shown on either side */
#define REGEX_MAX ((size_t)65536)
#define MATCH_MAX 160		/* bytes shown of a match */

struct grep {
	/* What is looked for: one of the two. */
	const uint8_t *bytes;
	size_t len;
	pcre2_code *regex;
	pcre2_match_data *match;

	bool count_only, colour;
	uint64_t found;
	const struct x *x;
	uint32_t pid;

	size_t tail; /* matches that start this close to the end wait */
	uint8_t *window;
	size_t have, from; /* bytes in it; what is before `from` was searched */
	uint64_t base;	   /* address of the first */
	const VmaEntry *vma, *vma_before; /* of the newest piece; of what is before it */
};

/* ---- one match ---- */

static void put_bytes(const uint8_t *data, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if (data[i] == '\\')
			fputs("\\\\", stdout);
		else if (data[i] >= ' ' && data[i] < 0x7f)
			putchar(data[i]);
		else if (data[i] == '\n')
			fputs("\\n", stdout);
		else if (!data[i])
			fputs("\\0", stdout);
		else
			printf("\\x%02x", data[i]);
	}
}

static void put_match(struct grep *g, size_t at, size_t len)
{
	uint64_t addr = g->base + at;
	const VmaEntry *vma = addr >= g->vma->start ? g->vma : g->vma_before;
	size_t before = at < CONTEXT ? at : CONTEXT, after = g->have - at - len, shown = len < MATCH_MAX ? len : MATCH_MAX;
	char buf[X_NAME_MAX];
	cleanup_free char *name = NULL;
	json_t *text;

	g->found++;
	if (g->count_only)
		return;
	if (after > CONTEXT)
		after = CONTEXT;
	text = json_string(memory_name(g->x, vma, buf));
	name = text ? rows_cell(text) : NULL;
	json_decref(text);
	printf(g->colour ? "\033[36m%" PRIu32 "\033[0m 0x%012" PRIx64 " %s+0x%" PRIx64 ": " : "%" PRIu32 " 0x%012" PRIx64 " %s+0x%" PRIx64 ": ",
		g->pid, addr, name ? name : "?", addr - vma->start);
	put_bytes(g->window + at - before, before);
	fputs(g->colour ? "\033[1;31m" : "", stdout);
	put_bytes(g->window + at, shown);
	fputs(shown < len ? "..." : "", stdout);
	fputs(g->colour ? "\033[0m" : "", stdout);
	put_bytes(g->window + at + len, after);
	putchar('\n');
}

/* ---- the window ---- */

/* The next match from `from` on: 1, 0 when there is none, -1. */
static int next_match(struct grep *g, size_t *at, size_t *len, struct img_err *err)
{
	const PCRE2_SIZE *place;
	const uint8_t *found;
	int ret;

	if (!g->regex) {
		found = memmem(g->window + g->from, g->have - g->from, g->bytes, g->len);
		if (!found)
			return 0;
		*at = found - g->window;
		*len = g->len;
		return 1;
	}
	ret = pcre2_match(g->regex, g->window, g->have, g->from, PCRE2_NOTEMPTY, g->match, NULL);
	if (ret == PCRE2_ERROR_NOMATCH)
		return 0;
	if (ret < 0)
		return img_fail(err, IMG_UNSUPPORTED, "the regular expression takes too much of this memory to match (PCRE2 error %d)", ret);
	place = pcre2_get_ovector_pointer(g->match);
	*at = place[0];
	*len = place[1] - place[0];
	return 1;
}

/* Find what starts before the tail; with `all`, to the end. */
static int search(struct grep *g, bool all, struct img_err *err)
{
	size_t limit = all ? g->have : g->have > g->tail ? g->have - g->tail : 0, at = 0, len = 0;
	int ret = 0;

	while (g->from < limit && (ret = next_match(g, &at, &len, err)) > 0 && at < limit) {
		put_match(g, at, len);
		g->from = at + (len ? len : 1);
	}
	if (g->from < limit)
		g->from = limit;
	return ret < 0 ? -1 : 0;
}

/* Keep what is still to be searched, and the context in front of it. */
static void move_on(struct grep *g)
{
	size_t drop = g->from > CONTEXT ? g->from - CONTEXT : 0;

	memmove(g->window, g->window + drop, g->have - drop);
	g->have -= drop;
	g->from -= drop;
	g->base += drop;
}

static int finish(struct grep *g, struct img_err *err)
{
	int ret = g->have ? search(g, true, err) : 0;

	g->have = g->from = 0;
	return ret;
}

static int piece(void *arg, const VmaEntry *vma, uint64_t addr, const void *data, size_t len, struct img_err *err)
{
	struct grep *g = arg;

	if (addr != g->base + g->have) {
		if (finish(g, err) < 0)
			return -1;
		g->base = addr;
		g->vma_before = vma;
	} else if (vma != g->vma) {
		g->vma_before = g->vma;
	}
	g->vma = vma;
	memcpy(g->window + g->have, data, len);
	g->have += len;
	if (search(g, false, err) < 0)
		return -1;
	move_on(g);
	return 0;
}

/* ---- patterns ---- */

static int parse_hex(const char *text, uint8_t **bytes, size_t *len, struct img_err *err)
{
	size_t digits = 0;

	*bytes = calloc(1, strlen(text) / 2 + 1);
	if (!*bytes)
		return img_fail_nomem(err);
	for (; *text; text++) {
		const char *all = "0123456789abcdef", *digit = strchr(all, *text | 0x20);

		if (*text == ' ')
			continue;
		if (!digit)
			return img_fail(err, IMG_USAGE, "grep: %s: not hexadecimal", text);
		(*bytes)[digits / 2] |= (digit - all) << (digits % 2 ? 0 : 4);
		digits++;
	}
	*len = digits / 2;
	return digits % 2 || !digits ? img_fail(err, IMG_USAGE, "grep: half a byte, or none") : 0;
}

static int compile(struct grep *g, uint32_t flags, struct img_err *err)
{
	PCRE2_SIZE where;
	int code;
	PCRE2_UCHAR text[256];

	g->regex = pcre2_compile(g->bytes, g->len, flags, &code, &where, NULL);
	if (!g->regex) {
		pcre2_get_error_message(code, text, sizeof(text));
		return img_fail(err, IMG_USAGE, "grep: the regular expression, at character %zu: %s", (size_t)where, (char *)text);
	}
	/* Without it, it is only slower. */
	pcre2_jit_compile(g->regex, PCRE2_JIT_COMPLETE);
	g->match = pcre2_match_data_create_from_pattern(g->regex, NULL);
	return g->match ? 0 : img_fail_nomem(err);
}

static int prepare(struct grep *g, const struct crit_args *args, uint8_t **hex, struct img_err *err)
{
	bool extended = args->option[EXTENDED], ignore_case = args->option[IGNORE_CASE];

	if (extended && args->option[HEX])
		return img_fail(err, IMG_USAGE, "grep: --hex or --extended-regexp, not both");
	g->bytes = (const uint8_t *)args->operand[PATTERN];
	g->len = strlen(args->operand[PATTERN]);
	if (args->option[HEX]) {
		if (parse_hex(args->operand[PATTERN], hex, &g->len, err) < 0)
			return -1;
		g->bytes = *hex;
	}
	if (!g->len)
		return img_fail(err, IMG_USAGE, "grep: an empty pattern is everywhere");
	g->tail = (extended ? REGEX_MAX : g->len) + CONTEXT;
	g->window = malloc(g->tail + CONTEXT + MEMORY_PIECE);
	if (!g->window)
		return img_fail_nomem(err);
	if (extended || ignore_case)
		return compile(g, (extended ? 0 : PCRE2_LITERAL) | (ignore_case ? PCRE2_CASELESS : 0), err);
	return 0;
}

/* ---- the verb ---- */

static int search_task(struct x *x, struct grep *g, const PstreeEntry *task, bool files, struct img_err *err)
{
	struct memory_walk walk = { .start = 0, .end = UINT64_MAX, .files = files, .piece = piece, .arg = g };
	struct memory memory;
	uint64_t before = g->found;
	int ret = memory_open(x, task->pid, &memory, err);

	if (ret <= 0)
		return ret;
	g->pid = task->pid;
	g->base = g->have = g->from = 0;
	g->vma = NULL;
	ret = memory_walk(&memory, &walk, err);
	if (ret == 0)
		ret = finish(g, err);
	memory_close(&memory);
	if (ret == 0 && g->count_only)
		printf("%" PRIu32 " %" PRIu64 "\n", task->pid, g->found - before);
	return ret < 0 ? img_wrap(err, "task %" PRIu32, task->pid) : 0;
}

static int search_set(struct x *x, struct grep *g, const struct crit_args *args, struct img_err *err)
{
	const PstreeEntry *only = NULL;
	int ret = 0;

	g->x = x;
	if (x_tasks_read(x, err) < 0 || objects_read(&x->objects, x->set, err) < 0)
		return -1;
	if (args->option[TASK] && x_task_named(x, args->option[TASK], &only, err) < 0)
		return -1;
	for (size_t i = 0; i < x->tasks.nr && ret == 0; i++)
		if (!only || only == x->tasks.entries[i])
			ret = search_task(x, g, x->tasks.entries[i], args->option[FILES], err);
	return ret;
}

static int run(const struct crit_args *args, struct img_err *err)
{
	struct grep g = { .count_only = args->option[COUNT], .colour = rows_colour() };
	cleanup_free uint8_t *hex = NULL;
	struct x x;
	int ret = prepare(&g, args, &hex, err);

	if (ret == 0)
		ret = x_open(&x, args->operand[IMAGES], err);
	if (ret == 0) {
		ret = search_set(&x, &g, args, err);
		x_close(&x);
	}
	pcre2_match_data_free(g.match);
	pcre2_code_free(g.regex);
	free(g.window);
	return ret;
}

const struct crit_verb crit_grep = {
	.name = "grep",
	.summary = "find bytes in the memory of all tasks: text, hexadecimal, or a regular expression",
	.options = options,
	.operands = operands,
	.examples = "  crit grep password= /var/lib/checkpoint\n"
		    "  crit grep --hex '7f 45 4c 46' /var/lib/checkpoint\n"
		    "  crit grep -E '[0-9]{4}-[0-9]{4}-[0-9]{4}' -p 1234 /var/lib/checkpoint\n",
	.run = run,
};
