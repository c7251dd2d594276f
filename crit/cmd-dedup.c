/* crit/cmd-dedup.c -- crit dedup: the parents of a set give back the pages that newer sets have. */

#include <stdio.h>

#include "crit.h"
#include "criuimg/convert.h"

static const struct crit_operand operands[] = {
	{ "DIR", "the newest set of a chain of directories" },
	{ 0 },
};

static int run(const struct crit_args *args, struct img_err *err)
{
	struct img_set *set = crit_set_open(args->operand[0], err);
	struct img_dedup_result result;
	int ret;

	if (!set)
		return -1;
	ret = img_set_dedup(set, NULL, &result, err);
	img_set_close(set);
	if (ret)
		return img_wrap(err, "%s", args->operand[0]);
	printf("%llu pages of parents are in newer sets: %llu KiB given back\n",
		(unsigned long long)result.pages, (unsigned long long)result.bytes >> 10);
	return 0;
}

const struct crit_verb crit_dedup = {
	.name = "dedup",
	.summary = "take out of a set's parents the pages that newer sets have",
	.operands = operands,
	.examples = "  crit dedup /var/lib/checkpoint/3\n",
	.run = run,
};
