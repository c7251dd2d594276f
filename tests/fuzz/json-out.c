/* tests/fuzz/json-out.c -- images as JSON: what decodes encodes, and that decodes to the same; the pretty form says as much as the
 * compact one. */

#include "criuimg/json.h"
#include "tests/fuzz/fuzz.h"

static struct img_sink *decode(const void *data, size_t size, bool pretty, bool no_payload)
{
	struct img_json_options opt = { .pretty = pretty, .no_payload = no_payload };
	struct img_err err = IMG_ERR_INIT;
	struct img_source *src = source_of(data, size);
	struct img_reader *r = img_reader_from_source(src, &err);
	struct img_sink *out = new_sink();
	int ret = -1;

	if (!r)
		img_source_close(src);
	else
		ret = img_json_decode(r, &opt, out, &err);
	img_reader_close(r);
	if (ret == 0)
		return out;
	failure_check(&err);
	img_sink_abort(out);
	return NULL;
}

static struct img_sink *encode(struct img_sink *json)
{
	struct img_err err = IMG_ERR_INIT;
	struct img_sink *out = new_sink();
	struct img_source *src;
	const void *data;
	size_t size;

	data = img_sink_memory(json, &size);
	src = source_of(data, size);
	MUST_WORK(img_json_encode(src, out, &err), &err);
	img_source_close(src);
	return out;
}

static void info(const void *data, size_t size)
{
	struct img_err err = IMG_ERR_INIT;
	struct img_source *src = source_of(data, size);
	struct img_reader *r = img_reader_from_source(src, &err);
	struct img_sink *out = new_sink();

	if (!r)
		img_source_close(src);
	else
		img_json_info(r, out, &err);
	img_reader_close(r);
	img_sink_abort(out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct img_sink *compact = decode(data, size, false, false), *pretty, *image, *from_pretty, *again;
	const void *bytes;
	size_t nr;

	info(data, size);
	if (!compact)
		return 0;
	pretty = decode(data, size, true, false);
	MUST(pretty);
	again = decode(data, size, true, true);
	MUST(again);
	img_sink_abort(again);
	image = encode(compact);
	from_pretty = encode(pretty);
	same_bytes(image, from_pretty);
	bytes = img_sink_memory(image, &nr);
	again = decode(bytes, nr, false, false);
	MUST(again);
	same_bytes(compact, again);
	img_sink_abort(compact);
	img_sink_abort(pretty);
	img_sink_abort(image);
	img_sink_abort(from_pretty);
	img_sink_abort(again);
	return 0;
}
