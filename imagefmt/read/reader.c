/* read/reader.c -- the records of an image, one after the other, checked. */

#include "read/reader.h"

#include <stdio.h>
#include <stdlib.h>

#include "criuimg/cleanup.h"
#include "wire/message.h"

static int no_records(const struct img_kind_info *kind, struct img_err *err)
{
	if (kind->entry)
		return 0;
	if (kind->framing == IMG_FRAMING_RAW)
		return img_fail(err, IMG_USAGE, "%s images are raw bytes, without records", kind->name);
	return img_fail(err, IMG_UNSUPPORTED, "%s images of old versions have no records", kind->name);
}

static struct img_reader *reader_new(
	struct img_source *src, enum img_kind expected, const char *name, struct img_err *err)
{
	cleanup_free struct img_reader *r = calloc(1, sizeof(*r));
	enum img_kind kind;

	if (!r) {
		img_fail_nomem(err);
		return NULL;
	}
	if (expected != IMG_KIND_UNKNOWN && no_records(img_kind_info(expected), err))
		return NULL;
	if (img_header_read(src, expected, &kind, &r->version, err))
		return NULL;
	r->src = src;
	r->size = img_source_size(src);
	r->flow.kind = img_kind_info(kind);
	snprintf(r->name, sizeof(r->name), "%s", name ? name : r->flow.kind->name);
	return steal_ptr(&r);
}

struct img_reader *img_reader_from_source(struct img_source *src, struct img_err *err)
{
	return reader_new(src, IMG_KIND_UNKNOWN, NULL, err);
}

struct img_reader *img_reader_of_kind(struct img_source *src, enum img_kind kind, struct img_err *err)
{
	return reader_new(src, kind, NULL, err);
}

int img_reader_open(
	struct img_set *set, enum img_kind kind, uint64_t id, struct img_reader **r_out, struct img_err *err)
{
	char name[IMG_NAME_MAX];
	struct img_source *src;
	int ret;

	img_kind_file_name(kind, id, name);
	ret = img_set_source(set, name, &src, err);
	if (ret <= 0)
		return ret;
	*r_out = reader_new(src, kind, name, err);
	if (!*r_out) {
		img_source_close(src);
		return img_wrap(err, "%s", name);
	}
	return 1;
}

enum img_kind img_reader_kind(const struct img_reader *r)
{
	return r->flow.kind->kind;
}

int img_reader_version(const struct img_reader *r)
{
	return r->version;
}

static uint64_t remaining(const struct img_reader *r)
{
	uint64_t pos = img_source_position(r->src);

	return (uint64_t)r->size > pos ? r->size - pos : 0;
}

/* Move to where the next record starts. */
static int payload_drop(struct img_reader *r, struct img_err *err)
{
	uint64_t len = r->left + r->pad;

	if (r->to_end) {
		char drop[4096];
		ssize_t n;

		do {
			n = img_source_read(r->src, drop, sizeof(drop), err);
		} while (n > 0);
		r->left = 0;
		r->to_end = false;
		return n;
	}
	r->left = r->pad = 0;
	return len ? img_source_skip(r->src, len, err) : 0;
}

/* Take over what the kind says of the payload; a size that the image does not keep fails at once where that is known. */
static int payload_begin(struct img_reader *r, const struct img_payload *payload, struct img_err *err)
{
	uint64_t total;

	if (payload->to_end) {
		r->to_end = r->size < 0;
		r->left = r->to_end ? UINT64_MAX : remaining(r);
		return 0;
	}
	if (__builtin_add_overflow(payload->size, payload->pad, &total) ||
		(r->size >= 0 && total > remaining(r)))
		return img_fail(err, IMG_CORRUPT, "claims %llu bytes of data, %llu are left in the image",
			(unsigned long long)payload->size, (unsigned long long)remaining(r));
	r->left = payload->size;
	r->pad = payload->pad;
	return 0;
}

/* 1, 0 at the end, -1. */
static int read_next(struct img_reader *r, ProtobufCMessage **msg, struct img_err *err)
{
	const ProtobufCMessageDescriptor *type;
	struct img_payload payload;
	int ret;

	if (payload_drop(r, err))
		return -1;
	type = img_flow_next(&r->flow);
	if (!type) {
		char byte;
		ssize_t n = img_source_read(r->src, &byte, 1, err);

		return n <= 0 ? (int)n
			      : img_fail(err, IMG_CORRUPT, "bytes follow where the image should end");
	}
	ret = img_frame_read(r->src, &r->frame, err);
	if (ret < 0)
		return -1;
	if (ret == 0)
		return img_flow_end(&r->flow, err);
	if (img_message_unpack(type, r->frame.data, r->frame.size, msg, err))
		return -1;
	if (img_flow_record(&r->flow, *msg, &payload, err) || payload_begin(r, &payload, err)) {
		img_message_free(steal_ptr(msg));
		return -1;
	}
	return 1;
}

int img_read(struct img_reader *r, ProtobufCMessage **msg, struct img_err *err)
{
	uint64_t nr = r->flow.nr;
	int ret;

	*msg = NULL;
	if (r->failed)
		return img_fail(err, IMG_USAGE, "%s: reading on after a failure", r->name);
	ret = read_next(r, msg, err);
	if (ret < 0) {
		r->failed = true;
		img_wrap(err, "%s: record %llu", r->name, (unsigned long long)nr);
	}
	return ret;
}

int img_read_one(struct img_reader *r, const ProtobufCMessageDescriptor *type, ProtobufCMessage **msg,
	struct img_err *err)
{
	int ret = img_read(r, msg, err);

	if (ret < 0)
		return -1;
	if (ret == 0)
		return img_fail(err, IMG_CORRUPT, "%s: ends where a record %s belongs", r->name, type->name);
	if ((*msg)->descriptor != type) {
		img_fail(err, IMG_USAGE, "%s: record %llu is %s, not %s", r->name,
			(unsigned long long)r->flow.nr - 1, (*msg)->descriptor->name, type->name);
		img_message_free(steal_ptr(msg));
		return -1;
	}
	return 0;
}

uint64_t img_read_payload_left(const struct img_reader *r)
{
	return r->left;
}

ssize_t img_read_payload(struct img_reader *r, void *buf, size_t len, struct img_err *err)
{
	ssize_t n;

	if (r->failed)
		return img_fail(err, IMG_USAGE, "%s: reading on after a failure", r->name);
	if (len > r->left)
		len = r->left;
	if (!len)
		return 0;
	n = img_source_read(r->src, buf, len, err);
	if (n > 0) {
		if (!r->to_end)
			r->left -= n;
		return n;
	}
	if (n == 0 && r->to_end) {
		r->to_end = false;
		r->left = 0;
		return 0;
	}
	r->failed = true;
	if (n == 0)
		img_fail(err, IMG_CORRUPT, "ends in the middle: %llu bytes are missing",
			(unsigned long long)r->left);
	return img_wrap(err, "%s: data of record %llu", r->name, (unsigned long long)r->flow.nr - 1);
}

uint64_t img_reader_position(const struct img_reader *r)
{
	return img_source_position(r->src);
}

struct img_source *img_reader_source(struct img_reader *r)
{
	return r->src;
}

void img_reader_close(struct img_reader *r)
{
	if (!r)
		return;
	img_source_close(r->src);
	img_frame_free(&r->frame);
	free(r);
}
