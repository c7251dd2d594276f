/* crit/cmd-decode.c -- crit decode: an image as JSON. */

#include "crit.h"
#include "criuimg/json.h"
#include "decode.h"

enum { PRETTY, IN, OUT };

static const struct crit_option options[] = {
	[PRETTY] = { "pretty", 0, NULL, "indented, and numbers as people read them: flags by name, addresses in hex" },
	[IN] = { "in", 'i', "IN", "the image (standard input)" },
	[OUT] = { "out", 'o', "OUT", "where the JSON goes (standard output)" },
	{ 0 },
};

static int run(const struct crit_args *args, struct img_err *err)
{
	const struct img_json_options json = { .pretty = args->option[PRETTY] };

	return crit_decode_image(args->option[IN], args->option[OUT], &json, err);
}

const struct crit_verb crit_decode = {
	.name = "decode",
	.summary = "print an image as JSON",
	.options = options,
	.examples = "  crit decode -i core-1.img -o core-1.json\n"
		    "  crit decode --pretty -i mm-1.img | less\n"
		    "  crit decode -i files.img | jq '.entries[] | select(.type == \"REG\") | .reg.name'\n",
	.run = run,
};
