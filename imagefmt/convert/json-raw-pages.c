/* imagefmt/convert/json-raw-pages.c -- page data as JSON: an entry a page, in hexadecimal. */

#include "convert/json-raw.h"
#include "criuimg/pages.h"

#define LINE 32 /* bytes a line, in the pretty form */

static void write_page(struct json_raw *raw, uint64_t nr, const uint8_t *page, size_t len)
{
	struct json_out *out = raw->out;

	json_item(out);
	json_open(out, '{');
	json_member(out, "page");
	json_unsigned(out, nr);
	json_member(out, "hex");
	if (!raw->opt->pretty) {
		json_raw_hex(out, page, len);
	} else {
		json_open(out, '[');
		for (size_t at = 0; at < len; at += LINE) {
			json_item(out);
			json_raw_hex(out, page + at, len - at < LINE ? len - at : LINE);
		}
		json_close(out, ']');
	}
	json_close(out, '}');
}

int json_raw_pages(struct json_raw *raw, struct img_err *err)
{
	uint8_t page[IMG_PAGE];
	uint64_t nr = 0;
	size_t have = 0;
	ssize_t n;

	if (raw->opt->no_payload)
		return json_raw_bytes(raw, err);
	while (!json_out_failed(raw->out)) {
		n = img_source_read(raw->src, page + have, sizeof(page) - have, err);
		if (n < 0)
			return -1;
		have += n;
		if (n && have < sizeof(page))
			continue;
		if (have)
			write_page(raw, nr++, page, have);
		if (!n)
			break;
		have = 0;
	}
	return 0;
}
