/* imagefmt/convert/json-read.h -- JSON read piece by piece, as it comes out of a source.
 *
 * A parser by descent: the caller asks for what should come next. Nothing is kept of what was read, and a string can be
 * had in pieces, so memory does not depend on how much there is. All of RFC 8259 but fractions and exponents, of
 * which images have none. Failures are IMG_CORRUPT and name the line, or those of the source.
 */
#ifndef IMAGEFMT_CONVERT_JSON_READ_H
#define IMAGEFMT_CONVERT_JSON_READ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "criuimg/err.h"
#include "criuimg/io.h"

/* How deep containers may nest: more than any image does. */
#define JSON_DEPTH_MAX 256
/* The longest string that is had whole, in bytes. */
#define JSON_TEXT_WHOLE_MAX (64u << 20)

struct json_in;

/* The source stays the caller's. NULL on failure. */
struct json_in *json_in_new(struct img_source *src, struct img_err *err);
void json_in_free(struct json_in *in); /* NULL is fine */

/* The next character that is no blank, left where it is; 0 at the end, -1 on failure. It tells what comes: one of
 * { [ " t f n - or a digit. */
int json_peek(struct json_in *in, struct img_err *err);

/* Containers: bracket is the opening one.
 *
 *	if (json_enter(in, '[', err) < 0)
 *		...
 *	while ((ret = json_more(in, '[', err)) > 0)
 *		... read one value ...
 */
int json_enter(struct json_in *in, char bracket, struct img_err *err);
/* 1 when another element (or member: its key) follows, 0 when the container was closed, -1. */
int json_more(struct json_in *in, char bracket, struct img_err *err);
/* A key and its colon. Borrowed until the next call. */
int json_read_key(struct json_in *in, const char **key, size_t *len, struct img_err *err);

/* Values. */
struct json_number {
	uint64_t magnitude;
	bool negative;
};
int json_read_number(struct json_in *in, struct json_number *number, struct img_err *err);
int json_read_bool(struct json_in *in, bool *value, struct img_err *err);
/* A whole string as UTF-8, without a NUL behind it. Borrowed until the next call. Surrogates that stand alone for bytes
 * (json_quoted() in json-write.h) become those bytes. */
int json_read_string(struct json_in *in, const char **text, size_t *len, struct img_err *err);
/* A string in pieces: begin, then piece until it returns 0. A piece has at most cap bytes; cap is at least 8. */
int json_string_begin(struct json_in *in, struct img_err *err);
ssize_t json_string_piece(struct json_in *in, char *buf, size_t cap, struct img_err *err);
/* Whatever it is. */
int json_skip(struct json_in *in, struct img_err *err);
/* Only blanks may follow. */
int json_end(struct json_in *in, struct img_err *err);

/* Places to come back to, where the source can be read by position. */
struct json_place {
	uint64_t at;
	unsigned long line;
	unsigned int depth;
};
bool json_can_return(const struct json_in *in);
struct json_place json_here(const struct json_in *in);
void json_return(struct json_in *in, const struct json_place *place);

/* A failure of what was read, with its line. Returns -1. */
int json_in_fail(const struct json_in *in, struct img_err *err, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

#endif
