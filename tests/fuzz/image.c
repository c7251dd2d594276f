/* tests/fuzz/image.c -- the reader of each kind. The first byte is the kind, the rest the image.
 *
 * What reads can be written, and what was written reads and is written to the same bytes.
 */
#include "tests/fuzz/fuzz.h"

static void copy_payload(struct img_reader *r, struct img_writer *w)
{
	struct img_err err = IMG_ERR_INIT;
	char buf[512];
	ssize_t n;

	while ((n = img_read_payload(r, buf, sizeof(buf), &err)) > 0)
		MUST_WORK(img_write_payload(w, buf, n, &err), &err);
	MUST_WORK(n, &err);
	MUST(img_read_payload_left(r) == 0);
}

/* Everything in r, written again. NULL when it does not read. */
static struct img_sink *copy(struct img_reader *r, enum img_kind kind)
{
	struct img_err err = IMG_ERR_INIT;
	struct img_sink *out = new_sink();
	struct img_writer *w = img_writer_to_sink(into(out), kind, &err);
	ProtobufCMessage *msg;
	uint64_t position = 0;
	int ret;

	MUST(w);
	while ((ret = img_read(r, &msg, &err)) > 0) {
		MUST(img_reader_position(r) > position);
		position = img_reader_position(r);
		MUST_WORK(img_write(w, msg, &err), &err);
		img_message_free(msg);
		copy_payload(r, w);
	}
	if (ret < 0) {
		failure_check(&err);
		img_writer_abort(w);
		img_sink_abort(out);
		return NULL;
	}
	MUST_WORK(img_writer_finish(w, &err), &err);
	return out;
}

static struct img_sink *copy_bytes(const void *data, size_t size, enum img_kind kind, bool must)
{
	struct img_err err = IMG_ERR_INIT;
	struct img_source *src = source_of(data, size);
	struct img_reader *r = img_reader_of_kind(src, kind, &err);
	struct img_sink *sink;

	if (!r) {
		MUST(!must);
		failure_check(&err);
		img_source_close(src);
		return NULL;
	}
	sink = copy(r, kind);
	MUST(sink || !must);
	img_reader_close(r);
	return sink;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct img_sink *first, *second;
	enum img_kind kind;
	const void *again;
	size_t again_size;

	if (!size)
		return 0;
	kind = data[0] % IMG_KIND_NR;
	if (!img_kind_info(kind)->entry)
		return 0;
	first = copy_bytes(data + 1, size - 1, kind, false);
	if (!first)
		return 0;
	again = img_sink_memory(first, &again_size);
	second = copy_bytes(again, again_size, kind, true);
	same_bytes(first, second);
	img_sink_abort(first);
	img_sink_abort(second);
	return 0;
}
