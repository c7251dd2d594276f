/* imagefmt/convert/json-read.c -- JSON read piece by piece: characters, punctuation, numbers, strings. */

#include "convert/json-read.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BUFFER_SIZE 65536

struct json_in {
	struct img_source *src;
	bool seekable;
	uint64_t at;	  /* position in the source of buf[0] */
	size_t used, len; /* buf[used..len) is still to be read */
	unsigned long line;
	unsigned int depth;
	bool fresh[JSON_DEPTH_MAX]; /* the container of each depth: nothing was read of it yet */
	char *text;		    /* a string that is had whole */
	size_t room;
	char buf[BUFFER_SIZE];
};

struct json_in *json_in_new(struct img_source *src, struct img_err *err)
{
	struct json_in *in = malloc(sizeof(*in));

	if (!in) {
		img_fail_nomem(err);
		return NULL;
	}
	in->src = src;
	in->seekable = img_source_can_pread(src);
	in->at = img_source_position(src);
	in->used = in->len = 0;
	in->line = 1;
	in->depth = 0;
	in->text = NULL;
	in->room = 0;
	return in;
}

void json_in_free(struct json_in *in)
{
	if (!in)
		return;
	free(in->text);
	free(in);
}

int json_in_fail(const struct json_in *in, struct img_err *err, const char *fmt, ...)
{
	char text[256];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	return img_fail(err, IMG_CORRUPT, "line %lu: %s", in->line, text);
}

/* ---- places ---- */

bool json_can_return(const struct json_in *in)
{
	return in->seekable;
}

struct json_place json_here(const struct json_in *in)
{
	return (struct json_place){ .at = in->at + in->used, .line = in->line, .depth = in->depth };
}

void json_return(struct json_in *in, const struct json_place *place)
{
	in->line = place->line;
	in->depth = place->depth;
	if (place->at >= in->at && place->at <= in->at + in->len) {
		in->used = place->at - in->at;
	} else {
		in->at = place->at;
		in->used = in->len = 0;
	}
}

/* ---- characters ---- */

/* More bytes into the empty buffer: 1, 0 at the end, -1. */
static int refill(struct json_in *in, struct img_err *err)
{
	ssize_t n;

	in->at += in->len;
	in->used = in->len = 0;
	if (in->seekable)
		n = img_source_pread(in->src, in->buf, sizeof(in->buf), in->at, err);
	else
		n = img_source_read(in->src, in->buf, sizeof(in->buf), err);
	if (n <= 0)
		return (int)n;
	in->len = n;
	return 1;
}

/* The next character, left where it is; -1 on failure, 0 at the end (a NUL in the text counts as its end: it is in no
 * JSON). */
static int look(struct json_in *in, struct img_err *err)
{
	if (in->used == in->len) {
		int ret = refill(in, err);

		if (ret <= 0)
			return ret;
	}
	return (unsigned char)in->buf[in->used];
}

/* The next character, which must be there. */
static int take(struct json_in *in, struct img_err *err)
{
	int c = look(in, err);

	if (c == 0)
		return json_in_fail(in, err, "ends in the middle");
	if (c > 0)
		in->used++;
	return c;
}

int json_peek(struct json_in *in, struct img_err *err)
{
	for (;;) {
		int c = look(in, err);

		if (c == '\n')
			in->line++;
		else if (c != ' ' && c != '\t' && c != '\r')
			return c;
		in->used++;
	}
}

/* For messages: a character, or what stands for it. */
static const char *name_of(int c, char buf[static 8])
{
	if (c == 0)
		return "the end";
	snprintf(buf, 8, c > ' ' && c < 0x7f ? "'%c'" : "0x%02x", c);
	return buf;
}

static int unexpected(struct json_in *in, int c, const char *wanted, struct img_err *err)
{
	char buf[8];

	return c < 0 ? -1 : json_in_fail(in, err, "%s where %s belongs", name_of(c, buf), wanted);
}

/* ---- containers ---- */

static char closing(char bracket)
{
	return bracket == '{' ? '}' : ']';
}

int json_enter(struct json_in *in, char bracket, struct img_err *err)
{
	int c = json_peek(in, err);

	if (c != bracket)
		return unexpected(in, c, bracket == '{' ? "an object" : "a list", err);
	if (in->depth == JSON_DEPTH_MAX)
		return json_in_fail(in, err, "nested too deep");
	in->used++;
	in->fresh[in->depth++] = true;
	return 0;
}

int json_more(struct json_in *in, char bracket, struct img_err *err)
{
	bool *fresh = &in->fresh[in->depth - 1];
	int c = json_peek(in, err);

	if (c == closing(bracket)) {
		in->used++;
		in->depth--;
		return 0;
	}
	if (*fresh) {
		*fresh = false;
		return c <= 0 ? unexpected(in, c, "a value", err) : 1;
	}
	if (c != ',')
		return unexpected(in, c, bracket == '{' ? "',' or '}'" : "',' or ']'", err);
	in->used++;
	return 1;
}

/* ---- strings ---- */

/* Append to the string that is had whole. */
static int text_add(struct json_in *in, size_t *have, const char *more, size_t len, struct img_err *err)
{
	if (len > JSON_TEXT_WHOLE_MAX - *have)
		return json_in_fail(in, err, "a string of more than %u bytes", JSON_TEXT_WHOLE_MAX);
	if (*have + len > in->room) {
		size_t room = in->room ? in->room : 256;
		char *grown;

		while (room < *have + len)
			room *= 2;
		grown = realloc(in->text, room);
		if (!grown)
			return img_fail_nomem(err);
		in->text = grown;
		in->room = room;
	}
	memcpy(in->text + *have, more, len);
	*have += len;
	return 0;
}

static int take_hex4(struct json_in *in, uint32_t *unit, struct img_err *err)
{
	*unit = 0;
	for (int i = 0; i < 4; i++) {
		int c = take(in, err);

		if (c < 0)
			return -1;
		if (c >= '0' && c <= '9')
			*unit = *unit << 4 | (c - '0');
		else if ((c | 0x20) >= 'a' && (c | 0x20) <= 'f')
			*unit = *unit << 4 | ((c | 0x20) - 'a' + 10);
		else
			return json_in_fail(in, err, "\\u without four digits");
	}
	return 0;
}

static size_t utf8_put(char *out, uint32_t point)
{
	if (point < 0x80) {
		out[0] = point;
		return 1;
	}
	if (point < 0x800) {
		out[0] = 0xc0 | point >> 6;
		out[1] = 0x80 | (point & 0x3f);
		return 2;
	}
	if (point < 0x10000) {
		out[0] = 0xe0 | point >> 12;
		out[1] = 0x80 | (point >> 6 & 0x3f);
		out[2] = 0x80 | (point & 0x3f);
		return 3;
	}
	out[0] = 0xf0 | point >> 18;
	out[1] = 0x80 | (point >> 12 & 0x3f);
	out[2] = 0x80 | (point >> 6 & 0x3f);
	out[3] = 0x80 | (point & 0x3f);
	return 4;
}

/* What follows "\u": one code point, or one byte that stands alone, of which *len bytes go to out. */
static int take_unicode(struct json_in *in, char out[static 4], size_t *len, struct img_err *err)
{
	uint32_t unit, low;

	if (take_hex4(in, &unit, err) < 0)
		return -1;
	if (unit >= 0xdc80 && unit <= 0xdcff) {
		out[0] = unit & 0xff;
		*len = 1;
		return 0;
	}
	if (unit >= 0xd800 && unit <= 0xdfff) {
		int c = unit < 0xdc00 ? take(in, err) : 0;

		if (c == '\\')
			c = take(in, err);
		if (c < 0 || (c == 'u' && take_hex4(in, &low, err) < 0))
			return -1;
		if (c != 'u' || low < 0xdc00 || low > 0xdfff)
			return json_in_fail(in, err, "half a surrogate pair");
		unit = 0x10000 + ((unit & 0x3ff) << 10 | (low & 0x3ff));
	}
	*len = utf8_put(out, unit);
	return 0;
}

/* What follows a backslash. */
static int take_escape(struct json_in *in, char out[static 4], size_t *len, struct img_err *err)
{
	static const char letters[] = "\"\\/bfnrt", meant[] = "\"\\/\b\f\n\r\t";
	int c = take(in, err);
	const char *at;

	if (c < 0)
		return -1;
	if (c == 'u')
		return take_unicode(in, out, len, err);
	at = strchr(letters, c);
	if (!at)
		return json_in_fail(in, err, "an escape that JSON does not have");
	out[0] = meant[at - letters];
	*len = 1;
	return 0;
}

/* The characters from here that stand for themselves, at most cap of them, as far as they are in the buffer. */
static size_t plain_run(const struct json_in *in, size_t cap)
{
	const unsigned char *p = (const unsigned char *)in->buf + in->used;
	size_t n = in->len - in->used, i = 0;

	if (n > cap)
		n = cap;
	while (i < n && p[i] != '"' && p[i] != '\\' && p[i] >= ' ')
		i++;
	return i;
}

int json_string_begin(struct json_in *in, struct img_err *err)
{
	int c = json_peek(in, err);

	if (c != '"')
		return unexpected(in, c, "a string", err);
	in->used++;
	return 0;
}

/* A piece has room for any escape, so that none is cut. */
ssize_t json_string_piece(struct json_in *in, char *buf, size_t cap, struct img_err *err)
{
	size_t have = 0;

	while (cap - have >= 4) {
		size_t run = plain_run(in, cap - have), len = 0;
		int c;

		memcpy(buf + have, in->buf + in->used, run);
		in->used += run;
		have += run;
		if (cap - have < 4)
			break;
		c = take(in, err);
		if (c < 0)
			return -1;
		if (c == '"') {
			/* Its end is told by the call that finds nothing before it. */
			if (have)
				in->used--;
			return have;
		}
		if (c == '\\') {
			if (take_escape(in, buf + have, &len, err) < 0)
				return -1;
			have += len;
		} else if (c >= ' ') {
			buf[have++] = c; /* the first of what a refill brought */
		} else {
			return json_in_fail(in, err, "a control character in a string");
		}
	}
	return have;
}

int json_read_string(struct json_in *in, const char **text, size_t *len, struct img_err *err)
{
	char piece[4096];
	size_t run, have = 0;
	ssize_t n;

	if (json_string_begin(in, err) < 0)
		return -1;
	run = plain_run(in, SIZE_MAX);
	if (in->used + run < in->len && in->buf[in->used + run] == '"') {
		*text = in->buf + in->used;
		*len = run;
		in->used += run + 1;
		return 0;
	}
	while ((n = json_string_piece(in, piece, sizeof(piece), err)) > 0)
		if (text_add(in, &have, piece, n, err) < 0)
			return -1;
	if (n < 0)
		return -1;
	*text = in->text;
	*len = have;
	return 0;
}

int json_read_key(struct json_in *in, const char **key, size_t *len, struct img_err *err)
{
	size_t have = 0;
	int c;

	if (json_read_string(in, key, len, err) < 0)
		return -1;
	if (in->used < in->len && in->buf[in->used] == ':') {
		in->used++;
		return 0;
	}
	/* Looking further may replace the buffer, which has the key. */
	if (*len && *key != in->text) {
		if (text_add(in, &have, *key, *len, err) < 0)
			return -1;
		*key = in->text;
	}
	c = json_peek(in, err);
	if (c != ':')
		return unexpected(in, c, "':'", err);
	in->used++;
	return 0;
}

/* ---- other values ---- */

int json_read_number(struct json_in *in, struct json_number *number, struct img_err *err)
{
	int c = json_peek(in, err);

	number->magnitude = 0;
	number->negative = c == '-';
	if (number->negative) {
		in->used++;
		c = look(in, err);
	}
	if (c < '0' || c > '9')
		return unexpected(in, c, "a number", err);
	do {
		if (__builtin_mul_overflow(number->magnitude, 10, &number->magnitude) ||
			__builtin_add_overflow(number->magnitude, (uint64_t)(c - '0'), &number->magnitude))
			return json_in_fail(in, err, "a number of more than 64 bits");
		in->used++;
		c = look(in, err);
	} while (c >= '0' && c <= '9');
	if (c == '.' || c == 'e' || c == 'E')
		return json_in_fail(in, err, "a number that is not whole");
	return c < 0 ? -1 : 0;
}

static int take_word(struct json_in *in, const char *word, struct img_err *err)
{
	int c = json_peek(in, err);

	for (const char *w = word; *w; w++) {
		if (c != *w)
			return unexpected(in, c, word, err);
		in->used++;
		c = look(in, err);
	}
	return c < 0 ? -1 : 0;
}

int json_read_bool(struct json_in *in, bool *value, struct img_err *err)
{
	int c = json_peek(in, err);

	*value = c == 't';
	if (c != 't' && c != 'f')
		return unexpected(in, c, "true or false", err);
	return take_word(in, *value ? "true" : "false", err);
}

static int skip_string(struct json_in *in, struct img_err *err)
{
	char piece[512];
	ssize_t n;

	if (json_string_begin(in, err) < 0)
		return -1;
	do {
		n = json_string_piece(in, piece, sizeof(piece), err);
	} while (n > 0);
	return n;
}

static int skip_container(struct json_in *in, char bracket, struct img_err *err)
{
	const char *key;
	size_t len;
	int ret;

	if (json_enter(in, bracket, err) < 0)
		return -1;
	while ((ret = json_more(in, bracket, err)) > 0) {
		if (bracket == '{' && json_read_key(in, &key, &len, err) < 0)
			return -1;
		if (json_skip(in, err) < 0)
			return -1;
	}
	return ret;
}

int json_skip(struct json_in *in, struct img_err *err)
{
	struct json_number number;
	int c = json_peek(in, err);

	switch (c) {
	case '{':
	case '[':
		return skip_container(in, c, err);
	case '"':
		return skip_string(in, err);
	case 't':
		return take_word(in, "true", err);
	case 'f':
		return take_word(in, "false", err);
	case 'n':
		return take_word(in, "null", err);
	default:
		return json_read_number(in, &number, err);
	}
}

int json_end(struct json_in *in, struct img_err *err)
{
	int c = json_peek(in, err);

	return c ? unexpected(in, c, "the end", err) : 0;
}
