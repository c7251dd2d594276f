/* imagefmt/convert/json-raw-text.c -- images that are text (iptables-save, nft): an entry a line. */

#include <string.h>

#include "convert/json-raw.h"

#define PIECE 16384


/* The line as it is known so far goes out piece by piece: "line" or "text" must be told before, so what has no newline at
 * the end of the image is found out first. */
static int length_of_last(struct img_source *src, uint64_t *after_newline, struct img_err *err)
{
	uint8_t piece[PIECE];
	uint64_t at = 0;
	ssize_t n;

	*after_newline = 0;
	while ((n = img_source_pread(src, piece, sizeof(piece), at, err)) > 0) {
		uint8_t *newline = memrchr(piece, '\n', n);

		if (newline)
			*after_newline = at + (newline - piece) + 1;
		at += n;
	}
	return n < 0 ? -1 : 0;
}

static void begin(struct json_out *out, bool complete)
{
	json_item(out);
	json_open(out, '{');
	if (complete)
		json_member(out, "line");
	else
		json_member(out, "text");
	json_raw(out, "\"", 1);
}

static void end(struct json_out *out)
{
	json_raw(out, "\"", 1);
	json_close(out, '}');
}

/* A character of UTF-8 that a piece ends in goes with the next one. */
static size_t whole_characters(const char *text, size_t len)
{
	for (size_t back = 1; back <= 3 && back <= len; back++) {
		unsigned char c = text[len - back];

		if (c >= 0xc0)
			return (c >= 0xf0 ? 4u : c >= 0xe0 ? 3u : 2u) > back ? len - back : len;
		if (c < 0x80)
			break;
	}
	return len;
}

int json_raw_text(struct json_raw *raw, struct img_err *err)
{
	uint64_t complete, at = 0;
	bool open = false;
	char piece[PIECE];
	size_t have = 0;
	ssize_t n;

	if (!img_source_can_pread(raw->src))
		return json_raw_bytes(raw, err);
	if (length_of_last(raw->src, &complete, err) < 0)
		return -1;
	while ((n = img_source_read(raw->src, piece + have, sizeof(piece) - have, err)) > 0) {
		size_t len = have + n, from = 0;

		while (from < len) {
			char *newline = memchr(piece + from, '\n', len - from);
			size_t part = newline ? (size_t)(newline - piece) - from : whole_characters(piece + from, len - from);

			if (!open)
				begin(raw->out, at + from < complete);
			open = true;
			json_text(raw->out, piece + from, part);
			from += part;
			if (newline) {
				end(raw->out);
				open = false;
				from++;
			} else {
				break;
			}
		}
		have = len - from;
		at += from;
		memmove(piece, piece + from, have);
	}
	if (have)
		json_text(raw->out, piece, have);
	if (open)
		end(raw->out);
	return n < 0 ? -1 : 0;
}
