/* imagefmt/convert/json-info.c -- the short form of an image: its magic and how many entries it has. */

#include "convert/json-image.h"

#include <string.h>

#include "ipc-msg.pb-c.h"
#include "pagemap.pb-c.h"

static int write_info(enum img_kind kind, uint64_t count, struct img_sink *sink, struct img_err *err)
{
	struct json_out *out = json_out_new(sink, true, err);

	if (!out)
		return -1;
	json_open(out, '{');
	json_member(out, "magic");
	json_ascii(out, json_magic_name(kind));
	json_member(out, "count");
	json_unsigned(out, count);
	json_close(out, '}');
	return json_out_close(out, err);
}

/* ---- the count of crit ---- */

/* A look at the bytes around a position, without a system call for each. */
struct window {
	struct img_source *src;
	uint64_t at;
	size_t len;
	uint8_t bytes[16384];
};

/* The size in front of the record at this position: 1, 0 at the end of the image, -1 on failure or when the image ends
 * within the size. */
static int size_at(struct window *w, uint64_t at, uint32_t *size, struct img_err *err)
{
	const uint8_t *p;

	if (at < w->at || at + 4 > w->at + w->len) {
		ssize_t n = img_source_pread(w->src, w->bytes, sizeof(w->bytes), at, err);

		if (n < 0)
			return -1;
		w->at = at;
		w->len = n;
	}
	if (at == w->at + w->len)
		return 0;
	if (at + 4 > w->at + w->len)
		return img_fail(err, IMG_CORRUPT, "ends in the middle of a record");
	p = w->bytes + (at - w->at);
	*size = p[0] | p[1] << 8 | p[2] << 16 | (uint32_t)p[3] << 24;
	return 1;
}

/* crit seeks by a signed size, and beyond the end of the file as well; what is there reads as the end. */
static int count_by_sizes(struct img_reader *r, uint64_t *count, struct img_err *err)
{
	struct window w = { .src = img_reader_source(r) };
	uint64_t at = img_reader_position(r);
	uint32_t size = 0;
	int ret;

	*count = 0;
	while ((ret = size_at(&w, at, &size, err)) > 0) {
		if (size > INT32_MAX)
			return img_fail(err, IMG_CORRUPT, "a record of %u bytes", size);
		at += 4 + (uint64_t)size;
		(*count)++;
	}
	return ret;
}

/* ---- the count of entries ---- */

static int count_by_reading(struct img_reader *r, uint64_t *count, struct img_err *err)
{
	ProtobufCMessage *msg;
	int ret;

	*count = 0;
	while ((ret = img_read(r, &msg, err)) > 0) {
		/* The messages of a queue are parts of its entry. */
		*count += msg->descriptor != &ipc_msg__descriptor;
		img_message_free(msg);
	}
	return ret;
}

int img_json_info(struct img_reader *r, struct img_sink *out, struct img_err *err)
{
	enum img_kind kind = img_reader_kind(r);
	uint64_t count;
	bool counted = false;

	/* crit cannot count in ghost files. */
	if (json_has_payload(kind) && kind != IMG_GHOST_FILE && img_source_can_pread(img_reader_source(r)))
		counted = count_by_sizes(r, &count, NULL) == 0;
	if (!counted && count_by_reading(r, &count, err) < 0)
		return -1;
	/* The head of a page map is none of its entries. */
	if (img_kind_info(kind)->head == &pagemap_head__descriptor && count)
		count--;
	return write_info(kind, count, out, err);
}

int img_json_info_raw(enum img_kind kind, struct img_sink *out, struct img_err *err)
{
	return write_info(kind, 1, out, err);
}
