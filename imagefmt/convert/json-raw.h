/* imagefmt/convert/json-raw.h -- the JSON of images without records, by what is in them.
 *
 * Entries of such an image are pieces of it, in order. An entry's bytes are what one of these members says; other members
 * are for people, and mean nothing on the way back:
 *	"extra"		base64
 *	"hex"		hexadecimal digits, in one string or a list of them
 *	"line"		text, and a newline behind it
 *	"text"		text as it is
 *	"dump_magic"	a number of 32 bits, little-endian
 */
#ifndef IMAGEFMT_CONVERT_JSON_RAW_H
#define IMAGEFMT_CONVERT_JSON_RAW_H

#include "convert/json-encode.h"
#include "convert/json-write.h"
#include "criuimg/image.h"
#include "criuimg/json.h"

struct json_raw {
	struct json_out *out;
	struct img_source *src; /* at its start */
	enum img_kind kind;
	const struct img_json_options *opt;
};

/* All entries of the image. 0 or -1. */
int json_raw_bytes(struct json_raw *raw, struct img_err *err);	 /* one entry of base64 */
int json_raw_text(struct json_raw *raw, struct img_err *err);	 /* an entry a line */
int json_raw_pages(struct json_raw *raw, struct img_err *err);	 /* an entry a page */
int json_raw_netlink(struct json_raw *raw, struct img_err *err); /* an entry a message */
int json_raw_tar(struct json_raw *raw, struct img_err *err);	 /* one entry, its members listed */

/* The member `extra`: these bytes, or their number. */
void json_raw_extra(struct json_raw *raw, const void *data, size_t len);
/* A member whose name is not a literal. */
void json_raw_key(struct json_out *out, const char *name);
/* The digits of these bytes, a string. */
void json_raw_hex(struct json_out *out, const void *data, size_t len);

/* ---- back ---- */

/* One entry to e->sink. */
int json_raw_encode(struct json_encode *e, struct img_err *err);

#endif
