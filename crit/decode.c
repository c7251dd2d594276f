/* crit/decode.c -- what decode and show do: one image, as JSON. */

#include "decode.h"

#include "crit.h"

static int write_json(struct crit_image *image, const struct img_json_options *json, struct img_sink *sink,
	bool newline, struct img_err *err)
{
	int ret;

	if (image->raw)
		ret = img_json_decode_raw(image->raw, image->kind, json, sink, err);
	else
		ret = img_json_decode(image->reader, json, sink, err);
	if (ret == 0 && newline)
		ret = img_sink_write(sink, "\n", 1, err);
	return ret;
}

int crit_decode_image(const char *in, const char *out, const struct img_json_options *json, struct img_err *err)
{
	struct crit_output output;
	struct crit_image image;
	int ret;

	if (crit_image_open(&image, in, err) < 0)
		return -1;
	ret = crit_output_open(&output, out, err);
	if (ret == 0) {
		ret = write_json(&image, json, output.sink, !out, err);
		if (ret < 0) {
			crit_output_abort(&output);
			img_wrap(err, "%s", in ? in : "standard input");
		} else {
			ret = crit_output_finish(&output, err);
		}
	}
	crit_image_close(&image);
	return ret;
}
