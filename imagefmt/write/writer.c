/* write/writer.c -- the records of an image, v1.1 framing. */

#include "criuimg/image.h"

#include <stdio.h>
#include <stdlib.h>

#include "criuimg/cleanup.h"
#include "kinds/ops.h"
#include "wire/message.h"

struct img_writer {
	struct img_sink *sink;
	bool failed;
	struct img_flow flow;
	struct img_frame frame;
	uint64_t left;		 /* payload bytes the last record still owes */
	uint64_t pad;		 /* zeroes that belong behind them */
	bool to_end;		 /* payload of any length */
	char name[IMG_NAME_MAX]; /* for messages: the file's name, else the kind's */
};

static int header_write(struct img_sink *sink, const struct img_kind_info *kind, struct img_err *err)
{
	unsigned char magic[8];
	size_t size = 0;

	if (kind->framing != IMG_FRAMING_OWN) {
		img_put_u32(
			magic, kind->framing == IMG_FRAMING_SERVICE ? IMG_MAGIC_SERVICE : IMG_MAGIC_COMMON);
		size = 4;
	}
	img_put_u32(magic + size, kind->magic);
	return img_sink_write(sink, magic, size + 4, err);
}

static struct img_writer *writer_new(
	struct img_sink *sink, enum img_kind kind, const char *name, struct img_err *err)
{
	const struct img_kind_info *info = img_kind_info(kind);
	cleanup_free struct img_writer *w = calloc(1, sizeof(*w));

	if (!w) {
		img_fail_nomem(err);
		return NULL;
	}
	if (!info->entry) {
		img_fail(err, IMG_USAGE, "%s images have no records", info->name);
		return NULL;
	}
	if (header_write(sink, info, err))
		return NULL;
	w->sink = sink;
	w->flow.kind = info;
	snprintf(w->name, sizeof(w->name), "%s", name ? name : info->name);
	return steal_ptr(&w);
}

struct img_writer *img_writer_to_sink(struct img_sink *sink, enum img_kind kind, struct img_err *err)
{
	return writer_new(sink, kind, NULL, err);
}

struct img_writer *img_writer_create(
	struct img_set *set, enum img_kind kind, uint64_t id, struct img_err *err)
{
	char name[IMG_NAME_MAX];
	struct img_writer *w;
	struct img_sink *sink;

	sink = img_set_sink(set, img_kind_file_name(kind, id, name), err);
	if (!sink)
		return NULL;
	w = writer_new(sink, kind, name, err);
	if (!w) {
		img_sink_abort(sink);
		img_wrap(err, "%s", name);
	}
	return w;
}

static int check(struct img_writer *w, struct img_err *err)
{
	return w->failed ? img_fail(err, IMG_USAGE, "%s: writing on after a failure", w->name) : 0;
}

static int failed(struct img_writer *w, struct img_err *err)
{
	w->failed = true;
	return img_wrap(err, "%s: record %llu", w->name, (unsigned long long)w->flow.nr);
}

/* The payload of the record before must be there. */
static int payload_end(struct img_writer *w, struct img_err *err)
{
	static const unsigned char zeroes[8];

	if (w->left)
		return img_fail(err, IMG_USAGE, "%llu bytes of the data before it were not written",
			(unsigned long long)w->left);
	if (w->pad && img_sink_write(w->sink, zeroes, w->pad, err))
		return -1;
	w->pad = 0;
	return 0;
}

static int write_record(struct img_writer *w, const ProtobufCMessage *msg, struct img_err *err)
{
	const ProtobufCMessageDescriptor *type;
	struct img_payload payload;

	if (payload_end(w, err))
		return -1;
	type = img_flow_next(&w->flow);
	if (!type)
		return img_fail(err, IMG_USAGE, "no more records belong into this image");
	if (msg->descriptor != type)
		return img_fail(err, IMG_USAGE, "is %s, not %s", msg->descriptor->name, type->name);
	if (img_message_pack(msg, &w->frame, err) || img_flow_record(&w->flow, msg, &payload, err))
		return -1;
	w->left = payload.size;
	w->pad = payload.pad;
	w->to_end = payload.to_end;
	return img_sink_write(w->sink, w->frame.data, w->frame.size, err);
}

int img_write(struct img_writer *w, const ProtobufCMessage *msg, struct img_err *err)
{
	if (check(w, err))
		return -1;
	return write_record(w, msg, err) ? failed(w, err) : 0;
}

int img_write_payload(struct img_writer *w, const void *buf, size_t len, struct img_err *err)
{
	if (check(w, err))
		return -1;
	if (!w->to_end && len > w->left) {
		img_fail(err, IMG_USAGE, "%zu bytes of data where %llu belong", len,
			(unsigned long long)w->left);
		return failed(w, err);
	}
	if (img_sink_write(w->sink, buf, len, err))
		return failed(w, err);
	if (!w->to_end)
		w->left -= len;
	return 0;
}

struct img_sink *img_writer_sink(struct img_writer *w)
{
	return w->sink;
}

static int finish(struct img_writer *w, struct img_err *err)
{
	if (check(w, err))
		return -1;
	if (payload_end(w, err) || img_flow_end(&w->flow, err))
		return failed(w, err);
	if (img_sink_finish(steal_ptr(&w->sink), err))
		return img_wrap(err, "%s", w->name);
	return 0;
}

int img_writer_finish(struct img_writer *w, struct img_err *err)
{
	int ret = finish(w, err);

	img_writer_abort(w);
	return ret;
}

void img_writer_abort(struct img_writer *w)
{
	if (!w)
		return;
	img_sink_abort(w->sink);
	img_frame_free(&w->frame);
	free(w);
}

int img_write_single(struct img_set *set, enum img_kind kind, uint64_t id, const ProtobufCMessage *msg,
	struct img_err *err)
{
	struct img_writer *w = img_writer_create(set, kind, id, err);

	if (!w)
		return -1;
	if (img_write(w, msg, err)) {
		img_writer_abort(w);
		return -1;
	}
	return img_writer_finish(w, err);
}
