/* crit/cmd-encode.c -- crit encode: an image from its JSON. */

#include "crit.h"
#include "criuimg/json.h"

enum { IN, OUT };

static const struct crit_option options[] = {
	[IN] = { "in", 'i', "IN", "the JSON, compact or pretty (standard input)" },
	[OUT] = { "out", 'o', "OUT", "where the image goes (standard output)" },
	{ 0 },
};

static int run(const struct crit_args *args, struct img_err *err)
{
	const char *in = args->option[IN];
	struct img_source *json = crit_source_open(in, err);
	struct crit_output output;
	int ret;

	if (!json)
		return -1;
	ret = crit_output_open(&output, args->option[OUT], err);
	if (ret == 0) {
		ret = img_json_encode(json, output.sink, err);
		if (ret < 0) {
			crit_output_abort(&output);
			img_wrap(err, "%s", in ? in : "standard input");
		} else {
			ret = crit_output_finish(&output, err);
		}
	}
	img_source_close(json);
	return ret;
}

const struct crit_verb crit_encode = {
	.name = "encode",
	.summary = "make an image from its JSON",
	.options = options,
	.examples = "  crit encode -i core-1.json -o core-1.img\n"
		    "  crit decode -i files.img | sed 's|/old/|/new/|' | crit encode -o files.img\n",
	.run = run,
};
