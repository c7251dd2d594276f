/* crit/rows.h -- what a view shows: a list of JSON objects, printed as a table for people or as it is.
 *
 * A view fills in rows; which members of them make a table, and how, is in its columns. Text that is no UTF-8 is kept
 * as "\xNN".
 */
#ifndef CRIT_ROWS_H
#define CRIT_ROWS_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "criuimg/err.h"
#include "criuimg/io.h"

struct rows {
	json_t *list, *row;
	json_t *before; /* the row before */
	bool failed; /* no memory: everything after that does nothing */
	bool print;  /* as JSON to standard output, each row when the next one starts: one is kept */
	size_t printed;
};

void rows_init(struct rows *rows);
/* Start a row; what follows goes into it. */
void rows_next(struct rows *rows);
void rows_int(struct rows *rows, const char *key, int64_t value);
void rows_hex(struct rows *rows, const char *key, uint64_t value);	    /* "0x1f" */
void rows_text(struct rows *rows, const char *key, const char *text);	    /* NULL: null */
void rows_bytes(struct rows *rows, const char *key, const void *text, size_t len);
void rows_format(struct rows *rows, const char *key, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
void rows_bool(struct rows *rows, const char *key, bool value);
void rows_value(struct rows *rows, const char *key, json_t *value);	    /* takes it over; it may stand in other rows, too */
/* The list, or NULL (without memory). The rows are gone. */
json_t *rows_done(struct rows *rows, struct img_err *err);
void rows_drop(struct rows *rows);
/* For rows with .print: the last one and the end of the list. The rows are gone. */
int rows_print_end(struct rows *rows, struct img_err *err);
/* By two members that are integers; list may be NULL, and is what is returned. */
json_t *rows_sorted(json_t *list, const char *first, const char *second);

/* Any bytes as a JSON string; NULL without memory. */
json_t *rows_string(const void *text, size_t len);

/* ---- printing ---- */

struct column {
	const char *key;   /* of the row */
	const char *title; /* what is above it */
	bool right;	   /* numbers */
	char colour;	   /* on a terminal: 0 none, else the last digit of the escape sequence: '6' cyan */
};

/* Is standard output a terminal that wants colours? NO_COLOR and TERM=dumb say no. */
bool rows_colour(void);
/* The columns of all rows, as wide as they must be, to standard output. Columns end with a NULL key. */
int rows_print_table(const json_t *list, const struct column *columns, struct img_err *err);
/* Indented JSON to standard output. */
int rows_print_json(const json_t *value, struct img_err *err);
/* What a table shows of a value, with all that could upset a terminal escaped: free() it; NULL without memory. */
char *rows_cell(const json_t *value);

#endif
