/* tests/fuzz/json-in.c -- JSON of whoever: what encodes is an image that reads, and its JSON gives the same bytes. */

#include "criuimg/json.h"
#include "tests/fuzz/fuzz.h"

static struct img_sink *encode(const void *json, size_t size, struct img_err *err)
{
	struct img_source *src = source_of(json, size);
	struct img_sink *out = new_sink();
	int ret = img_json_encode(src, out, err);

	img_source_close(src);
	if (ret == 0)
		return out;
	img_sink_abort(out);
	return NULL;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct img_json_options opt = { 0 };
	struct img_err err = IMG_ERR_INIT;
	struct img_sink *image = encode(data, size, &err), *json, *again;
	struct img_source *src;
	struct img_reader *r;
	const void *bytes;
	size_t nr;

	if (!image) {
		failure_check(&err);
		return 0;
	}
	bytes = img_sink_memory(image, &nr);
	/* Raw kinds have no magic that tells what they are. */
	src = source_of(bytes, nr);
	r = img_reader_from_source(src, &err);
	if (!r) {
		img_source_close(src);
		img_sink_abort(image);
		return 0;
	}
	json = new_sink();
	MUST_WORK(img_json_decode(r, &opt, json, &err), &err);
	img_reader_close(r);
	bytes = img_sink_memory(json, &nr);
	again = encode(bytes, nr, &err);
	if (!again)
		fprintf(stderr, "%s\n", err.text);
	MUST(again);
	same_bytes(image, again);
	img_sink_abort(image);
	img_sink_abort(json);
	img_sink_abort(again);
	return 0;
}
