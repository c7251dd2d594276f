/* imagefmt/convert/json-write.h -- JSON as Python's json.dumps() spells it, straight into a sink.
 *
 * Compact: ", " and ": " between things, all on one line. Indented: 4 blanks a level, "," at the end of a line, empty
 * containers closed at once. Everything outside printable ASCII is escaped.
 *
 * The writer holds one buffer of fixed size and the first failure of its sink. Functions return nothing: what is
 * written after a failure is dropped, and json_out_close() (or json_out_failed(), now and then) tells.
 */
#ifndef IMAGEFMT_CONVERT_JSON_WRITE_H
#define IMAGEFMT_CONVERT_JSON_WRITE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "criuimg/err.h"
#include "criuimg/io.h"

#define JSON_OUT_BUFFER 65536

struct json_out {
	struct img_sink *sink;
	struct img_err err; /* of the first failure */
	bool failed;
	bool indent;
	bool empty; /* nothing yet in the container that is open */
	unsigned int depth;
	size_t used;
	char buf[JSON_OUT_BUFFER];
};

/* The sink stays the caller's. NULL without memory. */
struct json_out *json_out_new(struct img_sink *sink, bool indent, struct img_err *err);
/* Hand what is buffered to the sink; 0 or the first failure. The writer is gone whatever is returned. */
int json_out_close(struct json_out *out, struct img_err *err);
/* Without handing over. NULL is fine. */
void json_out_drop(struct json_out *out);

static inline bool json_out_failed(const struct json_out *out)
{
	return out->failed;
}

/* A failure of the caller's that ends the output: the first one counts. */
void json_out_fail(struct json_out *out, const struct img_err *err);
void json_out_nomem(struct json_out *out);

/* Containers. An element of a list starts with json_item(), a member of an object with json_key(); the value follows. */
void json_open(struct json_out *out, char bracket);
void json_close(struct json_out *out, char bracket);
void json_item(struct json_out *out);
/* key: with its quotes, colon and blank, as json_key_text() makes it. */
void json_key(struct json_out *out, const char *key, size_t len);
#define json_member(out, name) json_key((out), "\"" name "\": ", sizeof("\"" name "\": ") - 1)

/* Values. */
void json_unsigned(struct json_out *out, uint64_t value);
void json_signed(struct json_out *out, int64_t value);
/* In hexadecimal, the digits alone. */
void json_hex_digits(struct json_out *out, uint64_t value);
void json_bool(struct json_out *out, bool value);
/* UTF-8 up to the NUL. A byte that is not UTF-8 becomes a lone surrogate, \udc80 to \udcff (Python's
 * "surrogateescape"), so nothing is lost. */
void json_quoted(struct json_out *out, const char *text);
/* Text that is known to need no escape, as a string. */
void json_ascii(struct json_out *out, const char *text);
/* Bytes as quoted-printable text. */
void json_quoted_printable(struct json_out *out, const uint8_t *data, size_t len);

/* The inside of a string: UTF-8, escaped as json_quoted() does, without quotes. */
void json_text(struct json_out *out, const char *chars, size_t len);
/* Plain characters, neither quoted nor escaped. */
void json_raw(struct json_out *out, const char *text, size_t len);

/* Bytes in the base64 of MIME: a newline after every 76 characters and at the end. They may come in pieces. */
#define JSON_BASE64_LINE 57 /* bytes that make 76 characters */

struct json_base64 {
	struct json_out *out;
	size_t held; /* bytes of the line begun */
	uint8_t line[JSON_BASE64_LINE];
};

void json_base64_begin(struct json_base64 *b64, struct json_out *out);
void json_base64_add(struct json_base64 *b64, const uint8_t *data, size_t len);
void json_base64_end(struct json_base64 *b64);
void json_bytes(struct json_out *out, const uint8_t *data, size_t len);

#endif
