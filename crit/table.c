/* crit/table.c -- rows for people: columns as wide as they must be, colours on a terminal. */

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "criuimg/cleanup.h"
#include "rows.h"

bool rows_colour(void)
{
	const char *no = getenv("NO_COLOR"), *term = getenv("TERM");

	return isatty(STDOUT_FILENO) && !(no && *no) && term && strcmp(term, "dumb");
}

/* ---- one cell ---- */

/* Text that may be anything: control characters would steer the terminal. */
static void put_escaped(FILE *out, const char *text, size_t len)
{
	const unsigned char *bytes = (const unsigned char *)text;

	for (size_t i = 0; i < len; i++) {
		/* U+0080 to U+009f are control characters too. */
		if (bytes[i] == 0xc2 && i + 1 < len && bytes[i + 1] < 0xa0) {
			fprintf(out, "\\x%02x", bytes[++i]);
		} else if (bytes[i] == '\n') {
			fputs("\\n", out);
		} else if (bytes[i] == '\t') {
			fputs("\\t", out);
		} else if (bytes[i] < ' ' || bytes[i] == 0x7f) {
			fprintf(out, "\\x%02x", bytes[i]);
		} else {
			fputc(bytes[i], out);
		}
	}
}

static void put_value(FILE *out, const json_t *value)
{
	const json_t *item;
	const char *key;
	size_t i;

	switch (value ? json_typeof(value) : JSON_NULL) {
	case JSON_STRING:
		put_escaped(out, json_string_value(value), json_string_length(value));
		break;
	case JSON_INTEGER:
		fprintf(out, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
		break;
	case JSON_TRUE:
		fputs("yes", out);
		break;
	case JSON_FALSE:
		fputs("no", out);
		break;
	case JSON_ARRAY:
		json_array_foreach (value, i, item) {
			if (i)
				fputc(',', out);
			put_value(out, item);
		}
		if (!json_array_size(value))
			fputc('-', out);
		break;
	case JSON_OBJECT:
		i = 0;
		json_object_foreach ((json_t *)value, key, item) {
			fprintf(out, i++ ? " %s=" : "%s=", key);
			put_value(out, item);
		}
		break;
	default:
		fputc('-', out);
	}
}

char *rows_cell(const json_t *value)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	if (!out)
		return NULL;
	put_value(out, value);
	if (fclose(out)) {
		free(text);
		return NULL;
	}
	return text;
}

/* Characters, of UTF-8. */
static size_t width_of(const char *text)
{
	size_t n = 0;

	for (; *text; text++)
		n += ((unsigned char)*text & 0xc0) != 0x80;
	return n;
}

/* ---- the table ---- */

#define COLUMNS_MAX 24

static size_t column_count(const struct column *columns)
{
	size_t n = 0;

	while (columns[n].key && n < COLUMNS_MAX)
		n++;
	return n;
}

static void put_blanks(size_t n)
{
	printf("%*s", (int)n, "");
}

static void print_cell(const struct column *column, const char *text, size_t width, bool last, bool colour, const char *sgr)
{
	size_t fill = width - width_of(text);

	if (column->right)
		put_blanks(fill);
	if (colour && sgr)
		printf("\033[%sm%s\033[0m", sgr, text);
	else
		fputs(text, stdout);
	if (!last) {
		if (!column->right)
			put_blanks(fill);
		fputs("  ", stdout);
	}
}

static void print_all(char **cells, size_t rows, const struct column *columns, size_t n, const size_t *widths)
{
	bool colour = rows_colour();

	for (size_t c = 0; c < n; c++)
		print_cell(&columns[c], columns[c].title, widths[c], c == n - 1, colour, "1");
	puts("");
	for (size_t r = 0; r < rows; r++) {
		for (size_t c = 0; c < n; c++) {
			char sgr[3] = { '3', columns[c].colour, '\0' };

			print_cell(&columns[c], cells[r * n + c], widths[c], c == n - 1, colour, columns[c].colour ? sgr : NULL);
		}
		puts("");
	}
}

int rows_print_table(const json_t *list, const struct column *columns, struct img_err *err)
{
	size_t n = column_count(columns), rows = json_array_size(list), widths[COLUMNS_MAX];
	char **cells = calloc(rows * n + 1, sizeof(*cells));
	int ret = 0;

	if (!cells)
		return img_fail_nomem(err);
	for (size_t c = 0; c < n; c++)
		widths[c] = width_of(columns[c].title);
	for (size_t i = 0; i < rows * n && ret == 0; i++) {
		size_t width;

		cells[i] = rows_cell(json_object_get(json_array_get(list, i / n), columns[i % n].key));
		if (!cells[i]) {
			ret = img_fail_nomem(err);
			break;
		}
		width = width_of(cells[i]);
		if (width > widths[i % n])
			widths[i % n] = width;
	}
	if (ret == 0)
		print_all(cells, rows, columns, n, widths);
	for (size_t i = 0; i < rows * n; i++)
		free(cells[i]);
	free(cells);
	return ret;
}

int rows_print_json(const json_t *value, struct img_err *err)
{
	if (json_dumpf(value, stdout, JSON_INDENT(4)) < 0)
		return img_fail_sys(err, "standard output");
	puts("");
	return 0;
}
