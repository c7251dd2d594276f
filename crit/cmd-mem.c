/* crit/cmd-mem.c -- crit mem: the memory of a task: what there is of it, and its bytes. */

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "crit.h"
#include "criuimg/cleanup.h"
#include "memory-walk.h"
#include "rows.h"

enum { RANGE, OUT, HEX, STRINGS, LENGTH, FILES, JSON };
enum { IMAGES, PID };

static const struct crit_option options[] = {
	[RANGE] = { "range", 'r', "START-END", "these addresses (hexadecimal); also START+LENGTH" },
	[OUT] = { "out", 'o', "OUT", "where the bytes, or the text, go (standard output)" },
	[HEX] = { "hex", 0, NULL, "the bytes as a hexadecimal dump" },
	[STRINGS] = { "strings", 's', NULL, "the strings of printable characters, with their addresses" },
	[LENGTH] = { "length", 'n', "N", "strings of at least this many characters (6)" },
	[FILES] = { "files", 0, NULL, "with --strings: pages of mapped files that are not in the images, too" },
	[JSON] = { "json", 0, NULL, "the list as JSON" },
	{ 0 },
};

static const struct crit_operand operands[] = {
	[IMAGES] = { "DIR", "the images" },
	[PID] = { "PID", "the task" },
	{ 0 },
};

/* ---- the list ---- */

static void add_row(struct memory *memory, struct rows *rows, const VmaEntry *vma)
{
	static const char *const keys[] = { [MEMORY_ZERO] = "zero", [MEMORY_PAGES] = "stored", [MEMORY_SHARED] = "shared",
		[MEMORY_FILE] = "file", [MEMORY_MISSING] = "missing" };
	uint64_t bytes[sizeof(keys) / sizeof(keys[0])] = { 0 };
	char prot[5], buf[X_NAME_MAX];

	for (uint64_t addr = vma->start; addr < vma->end && memory_is_real(vma);) {
		struct memory_extent extent = memory_extent(memory, addr);

		bytes[extent.where] += extent.end - addr;
		addr = extent.end;
	}
	memory_prot(vma, prot);
	rows_next(rows);
	rows_hex(rows, "start", vma->start);
	rows_hex(rows, "end", vma->end);
	rows_text(rows, "prot", prot);
	rows_int(rows, "kib", (vma->end - vma->start) / 1024);
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		rows_int(rows, keys[i], bytes[i] / 1024);
	rows_text(rows, "name", memory_name(memory->x, vma, buf));
}

static int list(struct memory *memory, bool json, struct img_err *err)
{
	static const struct column columns[] = {
		{ "start", "START", true, '6' }, { "end", "END", true, '6' },	     { "prot", "PROT", false, 0 },
		{ "kib", "KiB", true, 0 },	 { "stored", "STORED", true, '2' },  { "shared", "SHARED", true, '2' },
		{ "zero", "ZERO", true, 0 },	 { "file", "FILE", true, 0 },	     { "missing", "MISSING", true, '1' },
		{ "name", "NAME", false, 0 },	 { 0 },
	};
	struct rows rows;
	json_t *done;
	int ret = 0;

	rows_init(&rows);
	for (size_t i = 0; i < memory->mm->n_vmas && ret == 0; i++) {
		ret = memory_look(memory, memory->mm->vmas[i], err);
		if (ret == 0)
			add_row(memory, &rows, memory->mm->vmas[i]);
	}
	if (ret < 0) {
		rows_drop(&rows);
		return -1;
	}
	done = rows_done(&rows, err);
	if (!done)
		return -1;
	ret = json ? rows_print_json(done, err) : rows_print_table(done, columns, err);
	json_decref(done);
	return ret;
}

/* ---- a range of bytes ---- */

struct range {
	uint64_t start, end;
};

static int parse_range(const char *text, struct range *range, struct img_err *err)
{
	char *end, *rest;
	uint64_t second;

	errno = 0;
	range->start = strtoull(text, &end, 16);
	if (end == text || (*end != '-' && *end != '+') || !isxdigit((unsigned char)end[1]))
		return img_fail(err, IMG_USAGE, "%s: not START-END or START+LENGTH, in hexadecimal", text);
	second = strtoull(end + 1, &rest, 16);
	range->end = *end == '+' ? range->start + second : second;
	if (*rest || errno || range->end <= range->start)
		return img_fail(err, IMG_USAGE, "no range of addresses");
	return 0;
}

/* All of it must be known: what is written is what was there. */
static int check_page(struct memory *memory, uint64_t page, struct img_err *err)
{
	size_t at = memory_find(memory, page);
	const VmaEntry *vma = at < memory->mm->n_vmas ? memory->mm->vmas[at] : NULL;
	struct memory_extent extent;
	char buf[X_NAME_MAX], byte[IMG_PAGE];
	size_t len = IMG_PAGE;

	if (!vma || vma->start > page)
		return img_fail(err, IMG_USAGE, "0x%" PRIx64 ": nothing is mapped there", page);
	if (memory->vma != vma && memory_look(memory, vma, err) < 0)
		return -1;
	extent = memory_extent(memory, page);
	if (extent.where == MEMORY_MISSING)
		return img_fail(err, IMG_UNSUPPORTED, "0x%" PRIx64 ": a page that was left to be served later", page);
	if (extent.where != MEMORY_FILE)
		return 0;
	if (memory_read(memory, &extent, page, byte, &len, err) < 0)
		return -1;
	if (!len)
		return img_fail(err, IMG_UNSUPPORTED, "0x%" PRIx64 ": a page of %s, which is not in the images and not here", page,
			memory_name(memory->x, vma, buf));
	return 0;
}

static int put_hex(struct img_sink *out, uint64_t addr, const uint8_t *data, size_t len, struct img_err *err)
{
	char line[128];

	for (size_t at = 0; at < len; at += 16) {
		size_t n = len - at < 16 ? len - at : 16, used = sprintf(line, "%012" PRIx64 " ", addr + at);

		for (size_t i = 0; i < 16; i++)
			used += i < n ? sprintf(line + used, "%s%02x", i == 8 ? "  " : " ", data[at + i]) : sprintf(line + used, i == 8 ? "    " : "   ");
		used += sprintf(line + used, "  |");
		for (size_t i = 0; i < n; i++)
			line[used++] = data[at + i] >= ' ' && data[at + i] < 0x7f ? data[at + i] : '.';
		used += sprintf(line + used, "|\n");
		if (img_sink_write(out, line, used, err) < 0)
			return -1;
	}
	return 0;
}

static int put_range(struct memory *memory, struct img_sink *out, const struct range *range, bool hex, struct img_err *err)
{
	uint8_t data[IMG_PAGE];

	for (uint64_t addr = range->start; addr < range->end;) {
		uint64_t page = addr & ~(uint64_t)(IMG_PAGE - 1);
		size_t len = page + IMG_PAGE - addr < range->end - addr ? page + IMG_PAGE - addr : range->end - addr;

		if (check_page(memory, page, err) < 0 || memory_copy(memory, addr, data, len, err) < 0)
			return -1;
		if ((hex ? put_hex(out, addr, data, len, err) : img_sink_write(out, data, len, err)) < 0)
			return -1;
		addr += len;
	}
	return 0;
}

/* ---- strings ---- */

#define STRING_MAX 4096 /* longer ones are cut in pieces */

struct strings {
	struct img_sink *out;
	struct range range;
	size_t least;
	uint64_t next, start; /* the address that would go on; that of the string */
	size_t len;
	char text[STRING_MAX + 1];
};

static int end_string(struct strings *s, struct img_err *err)
{
	char head[32];
	size_t len = s->len;

	s->len = 0;
	if (len < s->least)
		return 0;
	s->text[len] = '\n';
	if (img_sink_write(s->out, head, sprintf(head, "%012" PRIx64 " ", s->start), err) < 0)
		return -1;
	return img_sink_write(s->out, s->text, len + 1, err);
}

static int strings_piece(void *arg, const VmaEntry *vma, uint64_t addr, const void *data, size_t len, struct img_err *err)
{
	struct strings *s = arg;
	const uint8_t *bytes = data;

	if (addr != s->next && end_string(s, err) < 0)
		return -1;
	for (size_t i = 0; i < len; i++) {
		bool in = addr + i >= s->range.start && addr + i < s->range.end;

		if (!in || bytes[i] < ' ' || bytes[i] >= 0x7f || s->len == STRING_MAX)
			if (s->len && end_string(s, err) < 0)
				return -1;
		if (in && bytes[i] >= ' ' && bytes[i] < 0x7f) {
			if (!s->len)
				s->start = addr + i;
			s->text[s->len++] = bytes[i];
		}
	}
	s->next = addr + len;
	return 0;
}

static int put_strings(struct memory *memory, struct img_sink *out, const struct range *range, const struct crit_args *args,
	struct img_err *err)
{
	struct strings s = { .out = out, .range = *range, .least = args->option[LENGTH] ? strtoul(args->option[LENGTH], NULL, 10) : 6 };
	struct memory_walk walk = {
		.start = range->start & ~(uint64_t)(IMG_PAGE - 1),
		.end = range->end > UINT64_MAX - IMG_PAGE ? range->end : (range->end + IMG_PAGE - 1) & ~(uint64_t)(IMG_PAGE - 1),
		.files = args->option[FILES],
		.piece = strings_piece,
		.arg = &s,
	};

	if (!s.least || s.least > STRING_MAX)
		return img_fail(err, IMG_USAGE, "--length: 1 to %d", STRING_MAX);
	return memory_walk(memory, &walk, err) < 0 ? -1 : end_string(&s, err);
}

/* ---- the verb ---- */

static int show(struct memory *memory, const struct crit_args *args, struct img_err *err)
{
	struct range range = { 0, UINT64_MAX };
	struct crit_output out;
	int ret;

	if (args->option[RANGE] && parse_range(args->option[RANGE], &range, err) < 0)
		return -1;
	if (!args->option[RANGE] && !args->option[STRINGS]) {
		if (args->option[HEX] || args->option[OUT])
			return img_fail(err, IMG_USAGE, "mem: which addresses? (--range)");
		return list(memory, args->option[JSON], err);
	}
	if (crit_output_open(&out, args->option[OUT], err) < 0)
		return -1;
	ret = args->option[STRINGS] ? put_strings(memory, out.sink, &range, args, err)
				    : put_range(memory, out.sink, &range, args->option[HEX], err);
	if (ret == 0)
		return crit_output_finish(&out, err);
	crit_output_abort(&out);
	return -1;
}

static int run(const struct crit_args *args, struct img_err *err)
{
	const PstreeEntry *task;
	struct memory memory;
	struct x x;
	int ret;

	if (x_open(&x, args->operand[IMAGES], err) < 0)
		return -1;
	ret = x_task_named(&x, args->operand[PID], &task, err);
	if (ret == 0)
		ret = memory_open_task(&x, task, &memory, err);
	if (ret == 0) {
		ret = show(&memory, args, err);
		memory_close(&memory);
	}
	x_close(&x);
	return ret;
}

const struct crit_verb crit_mem = {
	.name = "mem",
	.summary = "the memory of a task: list it, read it, find strings in it",
	.options = options,
	.operands = operands,
	.examples = "  crit mem /var/lib/checkpoint 1234\n"
		    "  crit mem --range 7ffd00100000-7ffd00120000 --hex /var/lib/checkpoint 1234 | less\n"
		    "  crit mem --range 55d3c0000000+21000 -o heap.bin /var/lib/checkpoint 1234\n"
		    "  crit mem --strings -n 12 /var/lib/checkpoint 1234\n",
	.run = run,
};
