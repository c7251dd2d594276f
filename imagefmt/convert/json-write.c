/* imagefmt/convert/json-write.c -- JSON as Python's json.dumps() spells it: punctuation, numbers, strings. */

#include "convert/json-write.h"

#include <stdlib.h>
#include <string.h>

/* The longest piece that is put together in place: an indented line start, a number, an escape. */
#define JSON_PIECE 512

struct json_out *json_out_new(struct img_sink *sink, bool indent, struct img_err *err)
{
	struct json_out *out = malloc(sizeof(*out));

	if (!out) {
		img_fail_nomem(err);
		return NULL;
	}
	out->sink = sink;
	out->failed = false;
	out->indent = indent;
	out->empty = true;
	out->depth = 0;
	out->used = 0;
	return out;
}

static void json_flush(struct json_out *out)
{
	if (out->used && !out->failed && img_sink_write(out->sink, out->buf, out->used, &out->err) < 0)
		out->failed = true;
	out->used = 0;
}

int json_out_close(struct json_out *out, struct img_err *err)
{
	int ret = 0;

	json_flush(out);
	if (out->failed) {
		if (err)
			*err = out->err;
		ret = -1;
	}
	free(out);
	return ret;
}

void json_out_drop(struct json_out *out)
{
	free(out);
}

void json_out_fail(struct json_out *out, const struct img_err *err)
{
	if (out->failed)
		return;
	out->failed = true;
	out->err = *err;
}

void json_out_nomem(struct json_out *out)
{
	struct img_err err;

	img_fail_nomem(&err);
	json_out_fail(out, &err);
}

/* Where at least len <= JSON_PIECE characters can be put; the caller adds what it put to out->used. */
static char *json_room(struct json_out *out, size_t len)
{
	if (out->used + len > sizeof(out->buf))
		json_flush(out);
	return out->buf + out->used;
}

void json_raw(struct json_out *out, const char *text, size_t len)
{
	while (len) {
		size_t part = sizeof(out->buf) - out->used;

		if (part > len)
			part = len;
		memcpy(out->buf + out->used, text, part);
		out->used += part;
		text += part;
		len -= part;
		if (len)
			json_flush(out);
	}
}

static void json_char(struct json_out *out, char c)
{
	*json_room(out, 1) = c;
	out->used++;
}

/* ---- containers ---- */

/* What stands in front of an element, if anything: a character, a line end, the blanks of its depth. */
static void json_line(struct json_out *out, const char *before)
{
	size_t blanks = 4 * (size_t)out->depth, first = blanks < JSON_PIECE - 2 ? blanks : JSON_PIECE - 2;
	char *at = json_room(out, first + 2);
	char *start = at;

	if (*before)
		*at++ = *before;
	*at++ = '\n';
	memset(at, ' ', first);
	out->used += at + first - start;
	for (blanks -= first; blanks; blanks--)
		json_char(out, ' ');
}

void json_open(struct json_out *out, char bracket)
{
	json_char(out, bracket);
	out->depth++;
	out->empty = true;
}

void json_close(struct json_out *out, char bracket)
{
	out->depth--;
	if (out->indent && !out->empty)
		json_line(out, "");
	json_char(out, bracket);
	out->empty = false;
}

void json_item(struct json_out *out)
{
	if (out->indent)
		json_line(out, out->empty ? "" : ",");
	else if (!out->empty)
		json_raw(out, ", ", 2);
	out->empty = false;
}

void json_key(struct json_out *out, const char *key, size_t len)
{
	json_item(out);
	json_raw(out, key, len);
}

/* ---- numbers ---- */

void json_unsigned(struct json_out *out, uint64_t value)
{
	char digits[20], *end = digits + sizeof(digits), *at = end;

	/* Two at a time: a division is what takes time here. */
	for (; value >= 100; value /= 100) {
		unsigned int pair = value % 100;

		*--at = '0' + pair % 10;
		*--at = '0' + pair / 10;
	}
	if (value >= 10) {
		*--at = '0' + value % 10;
		value /= 10;
	}
	*--at = '0' + value;
	json_raw(out, at, end - at);
}

void json_signed(struct json_out *out, int64_t value)
{
	uint64_t magnitude = value;

	if (value < 0) {
		json_char(out, '-');
		magnitude = -magnitude;
	}
	json_unsigned(out, magnitude);
}

static const char hex_digits[] = "0123456789abcdef";

void json_hex_digits(struct json_out *out, uint64_t value)
{
	char digits[16], *at = digits + sizeof(digits);

	do {
		*--at = hex_digits[value & 0xf];
		value >>= 4;
	} while (value);
	json_raw(out, at, digits + sizeof(digits) - at);
}

void json_bool(struct json_out *out, bool value)
{
	if (value)
		json_raw(out, "true", 4);
	else
		json_raw(out, "false", 5);
}

/* ---- strings ---- */

static void json_escape_unit(struct json_out *out, uint32_t unit)
{
	char *at = json_room(out, 6);

	at[0] = '\\';
	at[1] = 'u';
	for (int i = 0; i < 4; i++)
		at[2 + i] = hex_digits[unit >> (12 - 4 * i) & 0xf];
	out->used += 6;
}

static void json_escape_point(struct json_out *out, uint32_t point)
{
	if (point < 0x10000) {
		json_escape_unit(out, point);
		return;
	}
	point -= 0x10000;
	json_escape_unit(out, 0xd800 | point >> 10);
	json_escape_unit(out, 0xdc00 | (point & 0x3ff));
}

/* What JSON has a letter for; 0: nothing. */
static char json_letter(unsigned char c)
{
	static const char letters[][2] = {
		{ '"', '"' }, { '\\', '\\' }, { '\n', 'n' }, { '\r', 'r' }, { '\t', 't' }, { '\b', 'b' }, { '\f', 'f' },
	};

	for (size_t i = 0; i < sizeof(letters) / sizeof(letters[0]); i++)
		if (c == (unsigned char)letters[i][0])
			return letters[i][1];
	return 0;
}

static void json_escape_ascii(struct json_out *out, unsigned char c)
{
	char letter = json_letter(c);

	if (letter) {
		json_char(out, '\\');
		json_char(out, letter);
	} else {
		json_escape_unit(out, c);
	}
}

/* The code point that starts at text and its length in *len; a byte that starts none stands for itself as a lone
 * surrogate. RFC 3629: shortest form only, no surrogates, up to U+10FFFF. */
static uint32_t utf8_point(const unsigned char *text, size_t left, size_t *len)
{
	static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	size_t need = text[0] >= 0xf0 ? 4 : text[0] >= 0xe0 ? 3 : 2;
	uint32_t point = text[0] & (0x7f >> need);

	*len = 1;
	if (text[0] < 0xc2 || text[0] > 0xf4 || need > left)
		return 0xdc00 | text[0];
	for (size_t i = 1; i < need; i++) {
		if ((text[i] & 0xc0) != 0x80)
			return 0xdc00 | text[0];
		point = point << 6 | (text[i] & 0x3f);
	}
	if (point < least[need] || (point >= 0xd800 && point < 0xe000) || point > 0x10ffff)
		return 0xdc00 | text[0];
	*len = need;
	return point;
}

static bool json_plain(unsigned char c)
{
	return c >= ' ' && c < 0x7f && c != '"' && c != '\\';
}

void json_text(struct json_out *out, const char *chars, size_t len)
{
	const unsigned char *text = (const unsigned char *)chars;
	size_t i = 0;

	while (i < len) {
		size_t from = i;

		while (i < len && json_plain(text[i]))
			i++;
		json_raw(out, (const char *)text + from, i - from);
		if (i == len)
			break;
		if (text[i] < 0x80) {
			json_escape_ascii(out, text[i++]);
		} else {
			size_t step;

			json_escape_point(out, utf8_point(text + i, len - i, &step));
			i += step;
		}
	}
}

void json_quoted(struct json_out *out, const char *text)
{
	json_char(out, '"');
	json_text(out, text, strlen(text));
	json_char(out, '"');
}

void json_ascii(struct json_out *out, const char *text)
{
	json_char(out, '"');
	json_raw(out, text, strlen(text));
	json_char(out, '"');
}
