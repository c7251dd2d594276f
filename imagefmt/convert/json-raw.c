/* imagefmt/convert/json-raw.c -- images without records as JSON: who shows which kind, and plain bytes. */

#include "convert/json-raw.h"

#include <stdio.h>
#include <string.h>

#include "convert/json-image.h"
#include "convert/json-names.h"
#include "criuimg/array.h"

#define PIECE 16384

static int (*const shown_by[IMG_KIND_NR])(struct json_raw *raw, struct img_err *err) = {
	[IMG_IFADDR] = json_raw_netlink,
	[IMG_ROUTE] = json_raw_netlink,
	[IMG_ROUTE6] = json_raw_netlink,
	[IMG_RULE] = json_raw_netlink,
	[IMG_NETNF_CT] = json_raw_netlink,
	[IMG_NETNF_EXP] = json_raw_netlink,
	[IMG_IPTABLES] = json_raw_text,
	[IMG_IP6TABLES] = json_raw_text,
	[IMG_NFTABLES] = json_raw_text,
	[IMG_TMPFS_IMG] = json_raw_tar,
	[IMG_TMPFS_DEV] = json_raw_tar,
	[IMG_PAGES] = json_raw_pages,
};

/* ---- what the ways to show share ---- */

void json_raw_key(struct json_out *out, const char *name)
{
	char key[96];
	int len = snprintf(key, sizeof(key), "\"%s\": ", name);

	json_key(out, key, len);
}

void json_raw_hex(struct json_out *out, const void *data, size_t len)
{
	static const char digits[] = "0123456789abcdef";
	const uint8_t *bytes = data;
	char text[512];

	json_raw(out, "\"", 1);
	while (len) {
		size_t n = len < sizeof(text) / 2 ? len : sizeof(text) / 2;

		for (size_t i = 0; i < n; i++) {
			text[2 * i] = digits[bytes[i] >> 4];
			text[2 * i + 1] = digits[bytes[i] & 0xf];
		}
		json_raw(out, text, 2 * n);
		bytes += n;
		len -= n;
	}
	json_raw(out, "\"", 1);
}

void json_raw_extra(struct json_raw *raw, const void *data, size_t len)
{
	if (raw->opt->no_payload) {
		json_payload_size(raw->out, len);
		return;
	}
	json_member(raw->out, "extra");
	json_bytes(raw->out, data, len);
}

/* ---- plain bytes ---- */

static int write_base64(struct json_raw *raw, struct img_err *err)
{
	struct json_base64 b64;
	uint8_t piece[PIECE];
	ssize_t n;

	json_base64_begin(&b64, raw->out);
	while ((n = img_source_read(raw->src, piece, sizeof(piece), err)) > 0 && !json_out_failed(raw->out))
		json_base64_add(&b64, piece, n);
	json_base64_end(&b64);
	return n < 0 ? -1 : 0;
}

/* The bytes from here to the end, whether or not the source knows. */
static int rest_of_source(struct img_source *src, uint64_t *rest, struct img_err *err)
{
	int64_t size = img_source_size(src);
	uint8_t piece[PIECE];
	ssize_t n;

	if (size >= 0) {
		*rest = (uint64_t)size - img_source_position(src);
		return 0;
	}
	*rest = 0;
	while ((n = img_source_read(src, piece, sizeof(piece), err)) > 0)
		*rest += n;
	return n < 0 ? -1 : 0;
}

int json_raw_bytes(struct json_raw *raw, struct img_err *err)
{
	uint64_t rest;
	int ret;

	json_item(raw->out);
	json_open(raw->out, '{');
	if (raw->opt->no_payload) {
		ret = rest_of_source(raw->src, &rest, err);
		json_payload_size(raw->out, ret < 0 ? 0 : rest);
	} else {
		json_member(raw->out, "extra");
		ret = write_base64(raw, err);
	}
	json_close(raw->out, '}');
	return ret;
}

int img_json_decode_raw(struct img_source *src, enum img_kind kind, const struct img_json_options *opt,
	struct img_sink *sink, struct img_err *err)
{
	struct json_raw raw = { json_out_new(sink, opt->pretty, err), src, kind, opt };
	int (*show)(struct json_raw *, struct img_err *) = shown_by[kind] ? shown_by[kind] : json_raw_bytes;

	if (!raw.out)
		return -1;
	json_image_begin(raw.out, kind);
	if (show(&raw, err) < 0) {
		json_out_drop(raw.out);
		return -1;
	}
	json_image_end(raw.out);
	return json_out_close(raw.out, err);
}

/* ---- back ---- */

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static int encode_hex_string(struct json_encode *e, struct img_err *err)
{
	char text[PIECE];
	uint8_t data[PIECE / 2 + 1];
	int high = -1, digit;
	ssize_t got;

	if (json_string_begin(e->in, err) < 0)
		return -1;
	while ((got = json_string_piece(e->in, text, sizeof(text), err)) > 0) {
		size_t n = 0;

		for (ssize_t i = 0; i < got; i++) {
			if (text[i] == ' ')
				continue;
			digit = hex_digit(text[i]);
			if (digit < 0)
				return json_in_fail(e->in, err, "hex: not a hexadecimal digit");
			if (high >= 0)
				data[n++] = high << 4 | digit;
			high = high < 0 ? digit : -1;
		}
		if (img_sink_write(e->sink, data, n, err) < 0)
			return -1;
	}
	if (got == 0 && high >= 0)
		return json_in_fail(e->in, err, "hex: half a byte");
	return got;
}

static int encode_hex(struct json_encode *e, struct img_err *err)
{
	int ret = json_peek(e->in, err);

	if (ret != '[')
		return encode_hex_string(e, err);
	if (json_enter(e->in, '[', err) < 0)
		return -1;
	while ((ret = json_more(e->in, '[', err)) > 0)
		if (encode_hex_string(e, err) < 0)
			return -1;
	return ret;
}

static int encode_text(struct json_encode *e, struct img_err *err)
{
	char text[PIECE];
	ssize_t got;

	if (json_string_begin(e->in, err) < 0)
		return -1;
	while ((got = json_string_piece(e->in, text, sizeof(text), err)) > 0)
		if (img_sink_write(e->sink, text, got, err) < 0)
			return -1;
	return got;
}

static int encode_line(struct json_encode *e, struct img_err *err)
{
	return encode_text(e, err) < 0 ? -1 : img_sink_write(e->sink, "\n", 1, err);
}

static int encode_extra(struct json_encode *e, struct img_err *err)
{
	uint64_t total;

	return json_extra_bytes(e, NULL, &total, err);
}

static int encode_magic(struct json_encode *e, struct img_err *err)
{
	struct json_number number = { 0 };
	const char *text;
	uint8_t le[4];
	size_t len;

	if (json_peek(e->in, err) == '"') {
		if (json_read_string(e->in, &text, &len, err) < 0)
			return -1;
		if (!json_number_parse(text, len, &number.magnitude, &number.negative))
			return json_in_fail(e->in, err, "dump_magic: not a number");
	} else if (json_read_number(e->in, &number, err) < 0) {
		return -1;
	}
	if (number.negative || number.magnitude > UINT32_MAX)
		return json_in_fail(e->in, err, "dump_magic: the number has 32 bits");
	for (int i = 0; i < 4; i++)
		le[i] = number.magnitude >> (8 * i);
	return img_sink_write(e->sink, le, sizeof(le), err);
}

static const struct {
	const char *name;
	int (*encode)(struct json_encode *e, struct img_err *err);
} members[] = {
	{ "extra", encode_extra },
	{ "hex", encode_hex },
	{ "line", encode_line },
	{ "text", encode_text },
	{ "dump_magic", encode_magic },
};

/* 1 when the member made bytes, 0, -1. */
static int encode_member(struct json_encode *e, const char *key, size_t len, struct img_err *err)
{
	for (size_t i = 0; i < ARRAY_SIZE(members); i++)
		if (strlen(members[i].name) == len && !memcmp(members[i].name, key, len))
			return members[i].encode(e, err) < 0 ? -1 : 1;
	return json_skip(e->in, err);
}

int json_raw_encode(struct json_encode *e, struct img_err *err)
{
	const char *key;
	bool made = false;
	size_t len;
	int ret;

	if (json_enter(e->in, '{', err) < 0)
		return -1;
	while ((ret = json_more(e->in, '{', err)) > 0) {
		if (json_read_key(e->in, &key, &len, err) < 0)
			return -1;
		ret = encode_member(e, key, len, err);
		if (ret < 0)
			return -1;
		if (ret && made)
			return json_in_fail(e->in, err, "an entry that says its bytes twice");
		made |= ret;
	}
	if (ret == 0 && !made)
		return json_in_fail(e->in, err, "an entry without its bytes (extra, hex, line or text)");
	return ret;
}
