/* crit/rows.c -- lists of JSON objects, put together row by row. */

#include "rows.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "criuimg/cleanup.h"

void rows_init(struct rows *rows)
{
	*rows = (struct rows){ .list = json_array() };
	rows->failed = !rows->list;
}

/* The list holds the one row that is not printed yet: printed as a list it is indented as it must be, without the brackets. */
static void print_row(struct rows *rows)
{
	cleanup_free char *text = NULL;

	if (rows->failed || !json_array_size(rows->list))
		return;
	text = json_dumps(rows->list, JSON_INDENT(4));
	json_array_clear(rows->list);
	rows->row = NULL;
	if (!text)
		rows->failed = true;
	else
		printf("%s%.*s", rows->printed++ ? "," : "[", (int)(strlen(text) - strlen("[\n]")), text + strlen("["));
}

int rows_print_end(struct rows *rows, struct img_err *err)
{
	bool failed;

	print_row(rows);
	failed = rows->failed;
	puts(rows->printed ? "\n]" : "[]");
	rows_drop(rows);
	return failed ? img_fail_nomem(err) : 0;
}

void rows_next(struct rows *rows)
{
	if (rows->print)
		print_row(rows);
	rows->before = rows->print ? NULL : rows->row;
	rows->row = json_object();
	if (!rows->row || json_array_append_new(rows->list, rows->row) < 0)
		rows->failed = true;
}

/* A thousand tasks may well be alike: what the row before has is not kept twice. */
static json_t *shared(const struct rows *rows, const char *key, json_t *value)
{
	json_t *before = json_object_get(rows->before, key);

	if (!before || !json_equal(before, value))
		return value;
	json_decref(value);
	return json_incref(before);
}

void rows_value(struct rows *rows, const char *key, json_t *value)
{
	if (!rows->failed)
		value = shared(rows, key, value);
	if (rows->failed)
		json_decref(value);
	else if (!value || json_object_set_new(rows->row, key, value) < 0)
		rows->failed = true;
}

void rows_int(struct rows *rows, const char *key, int64_t value)
{
	rows_value(rows, key, json_integer(value));
}

void rows_hex(struct rows *rows, const char *key, uint64_t value)
{
	rows_format(rows, key, "0x%" PRIx64, value);
}

void rows_bool(struct rows *rows, const char *key, bool value)
{
	rows_value(rows, key, json_boolean(value));
}

json_t *rows_string(const void *text, size_t len)
{
	json_t *string = json_stringn(text, len);
	cleanup_free char *escaped = NULL;
	const unsigned char *bytes = text;
	size_t at = 0;

	if (string)
		return string;
	/* No UTF-8, or no memory. */
	escaped = malloc(4 * len + 1);
	if (!escaped)
		return NULL;
	for (size_t i = 0; i < len; i++) {
		if (bytes[i] >= 0x80 || !bytes[i])
			at += sprintf(escaped + at, "\\x%02x", bytes[i]);
		else
			escaped[at++] = bytes[i];
	}
	return json_stringn(escaped, at);
}

void rows_bytes(struct rows *rows, const char *key, const void *text, size_t len)
{
	rows_value(rows, key, rows_string(text, len));
}

void rows_text(struct rows *rows, const char *key, const char *text)
{
	rows_value(rows, key, text ? rows_string(text, strlen(text)) : json_null());
}

void rows_format(struct rows *rows, const char *key, const char *fmt, ...)
{
	cleanup_free char *text = NULL;
	va_list args;

	va_start(args, fmt);
	if (vasprintf(&text, fmt, args) < 0)
		text = NULL;
	va_end(args);
	if (text)
		rows_text(rows, key, text);
	else
		rows->failed = true;
}

json_t *rows_done(struct rows *rows, struct img_err *err)
{
	if (!rows->failed)
		return rows->list;
	rows_drop(rows);
	img_fail_nomem(err);
	return NULL;
}

void rows_drop(struct rows *rows)
{
	json_decref(rows->list);
	*rows = (struct rows){ .failed = true };
}

struct sort_key {
	json_int_t first, second;
	size_t nr; /* rows that are alike stay as they were */
	json_t *row;
};

static int compare(const void *a_, const void *b_)
{
	const struct sort_key *a = a_, *b = b_;

	if (a->first != b->first)
		return a->first < b->first ? -1 : 1;
	if (a->second != b->second)
		return a->second < b->second ? -1 : 1;
	return a->nr < b->nr ? -1 : 1;
}

json_t *rows_sorted(json_t *list, const char *first, const char *second)
{
	size_t n = list ? json_array_size(list) : 0;
	struct sort_key *keys = n ? calloc(n, sizeof(*keys)) : NULL;
	json_t *row;
	size_t i;

	if (!keys)
		return list;
	json_array_foreach (list, i, row)
		keys[i] = (struct sort_key){ json_integer_value(json_object_get(row, first)),
			json_integer_value(json_object_get(row, second)), i, json_incref(row) };
	qsort(keys, n, sizeof(*keys), compare);
	for (i = 0; i < n; i++)
		json_array_set_new(list, i, keys[i].row);
	free(keys);
	return list;
}
