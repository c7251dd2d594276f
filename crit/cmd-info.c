/* crit/cmd-info.c -- crit info: what an image is, and how many entries it has. */

#include "crit.h"
#include "criuimg/json.h"

static const struct crit_operand operands[] = {
	{ "FILE", "the image" },
	{ 0 },
};

static int write_info(struct crit_image *image, struct img_sink *sink, struct img_err *err)
{
	int ret = image->raw ? img_json_info_raw(image->kind, sink, err) : img_json_info(image->reader, sink, err);

	return ret == 0 ? img_sink_write(sink, "\n", 1, err) : ret;
}

static int run(const struct crit_args *args, struct img_err *err)
{
	struct crit_output output;
	struct crit_image image;
	int ret;

	if (crit_image_open(&image, args->operand[0], err) < 0)
		return -1;
	ret = crit_output_open(&output, NULL, err);
	if (ret == 0) {
		ret = write_info(&image, output.sink, err);
		if (ret < 0) {
			crit_output_abort(&output);
			img_wrap(err, "%s", args->operand[0]);
		} else {
			ret = crit_output_finish(&output, err);
		}
	}
	crit_image_close(&image);
	return ret;
}

const struct crit_verb crit_info = {
	.name = "info",
	.summary = "print the kind of an image and how many entries it has",
	.operands = operands,
	.examples = "  crit info files.img\n",
	.run = run,
};
