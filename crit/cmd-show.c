/* crit/cmd-show.c -- crit show: an image as people like to read it. */

#include "crit.h"
#include "criuimg/json.h"
#include "decode.h"

enum { NOPL };

static const struct crit_option options[] = {
	[NOPL] = { "nopl", 0, NULL, "payloads by their size only" },
	{ 0 },
};

static const struct crit_operand operands[] = {
	{ "FILE", "the image" },
	{ 0 },
};

static int run(const struct crit_args *args, struct img_err *err)
{
	const struct img_json_options json = { .pretty = true, .no_payload = args->option[NOPL] };

	return crit_decode_image(args->operand[0], NULL, &json, err);
}

const struct crit_verb crit_show = {
	.name = "show",
	.summary = "print an image for people: indented, numbers by their names",
	.options = options,
	.operands = operands,
	.examples = "  crit show pstree.img\n"
		    "  crit show --nopl pipes-data.img\n",
	.run = run,
};
