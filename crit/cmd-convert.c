/* crit/cmd-convert.c -- crit convert and crit flatten: a set of another version, in another place, of a part of its tasks, or without
 * its parents. */

#include <stdlib.h>
#include <string.h>

#include "crit.h"
#include "criuimg/array.h"
#include "criuimg/cleanup.h"
#include "set-output.h"

enum { IN, OUT };
enum { VERSION_OPTION, LOSSY, COMPRESS, LEVEL, THREADS, LONG, FORCE, PARENT, TASK, AS_JSON, SHARE };

static const struct crit_operand operands[] = {
	[IN] = { "IN", "the set: a directory, an archive, or - for standard input" },
	[OUT] = { "OUT", "the new one: a directory, an archive (.tar, .tar.zst), or - for standard output" },
	{ 0 },
};

static const struct crit_option options[] = {
	[VERSION_OPTION] = { "to", 't', "VERSION", "1.0, 1.1 or 2 (as it is)" },
	[LOSSY] = { "lossy", 0, NULL, "go on where an older version cannot say something" },
	[COMPRESS] = { "compress", 'z', NULL,
		"compress: the page images of a directory, an archive as a whole" },
	[LEVEL] = { "level", 'l', "N", "how hard: 1 to 19 (3)" },
	[THREADS] = { "threads", 'T', "N", "how many threads compress (one per processor)" },
	[LONG] = { "long", 0, NULL, "find what repeats at a distance" },
	[FORCE] = { "force", 'f', NULL, "replace the set that is at OUT" },
	[PARENT] = { "parent", 0, "PATH", "where the parent is, seen from OUT (found out for directories)" },
	[TASK] = { "task", 0, "PID", "only this task and those below it" },
	[AS_JSON] = { "json", 'j', NULL, "OUT is a directory of JSON, a file for each image; as IN it is a set like others" },
	[SHARE] = { "share", 's', NULL, "store equal pages of a task once (version 2; CRIU cannot read it)" },
	{ 0 },
};

static const struct {
	const char *name;
	enum img_version version;
} versions[] = {
	{ "1.0", IMG_VERSION_1_0 },
	{ "1.1", IMG_VERSION_1_1 },
	{ "2", IMG_VERSION_2 },
	{ "2.0", IMG_VERSION_2 },
};

static int version_parse(const char *text, enum img_version *version, struct img_err *err)
{
	for (size_t i = 0; text && i < ARRAY_SIZE(versions); i++)
		if (!strcmp(versions[i].name, text)) {
			*version = versions[i].version;
			return 0;
		}
	return text ? img_fail(err, IMG_USAGE, "--to %s: 1.0, 1.1 or 2", text) : 0;
}

static int task_parse(const char *text, uint32_t *pid, struct img_err *err)
{
	char *end;
	unsigned long n = strtoul(text, &end, 10);

	if (!*text || *end || !n || n > INT32_MAX || *text == '-')
		return img_fail(err, IMG_USAGE, "--task %s: no pid", text);
	*pid = n;
	return 0;
}

static int make(struct img_set *from, const struct crit_args *args, const struct crit_packing *packing,
	bool flat, struct img_convert_options *opt, struct img_err *err)
{
	cleanup_free char *link = NULL;
	struct crit_set_output out;
	uint32_t pid = 0;
	int ret;

	if (!flat && !args->option[PARENT] && !args->option[TASK]) {
		ret = crit_is_forked(from, err);
		if (ret < 0)
			return -1;
		flat = ret;
	}
	if (!flat && args->option[TASK] && task_parse(args->option[TASK], &pid, err))
		return -1;
	if (!flat && !args->option[PARENT] &&
		crit_parent_link(from, args->operand[IN], args->operand[OUT], &link, err) < 0)
		return -1;
	opt->parent = flat ? NULL : args->option[PARENT] ? args->option[PARENT] : link;
	if (crit_set_output_open(&out, args->operand[OUT], packing, args->option[FORCE], err))
		return -1;
	opt->progress = crit_set_progress;
	opt->lost = crit_set_lost;
	opt->arg = &out;
	opt->producer = "crit";
	opt->producer_version = VERSION;
	if (flat)
		ret = img_set_flatten(from, out.set, opt, err);
	else if (pid)
		ret = img_set_extract(from, pid, out.set, opt, err);
	else
		ret = img_set_convert(from, out.set, opt, err);
	return crit_set_output_close(&out, ret, err);
}

static int run(const struct crit_args *args, bool flat, struct img_err *err)
{
	struct crit_packing packing = { .compress = args->option[COMPRESS], .json = !flat && args->option[AS_JSON] };
	struct img_convert_options opt = { .lossy = args->option[LOSSY], .share = !flat && args->option[SHARE] };
	struct img_set *from;
	int ret;

	if (packing.json && packing.compress)
		return img_fail(err, IMG_USAGE, "--json and --compress: JSON is not compressed");
	if (version_parse(args->option[VERSION_OPTION], &opt.version, err) ||
		crit_packing_parse(
			&packing, args->option[LEVEL], args->option[THREADS], args->option[LONG], err))
		return -1;
	if (opt.share && opt.version == IMG_VERSION_SAME)
		opt.version = IMG_VERSION_2;
	from = crit_set_open(args->operand[IN], err);
	if (!from)
		return -1;
	ret = make(from, args, &packing, flat, &opt, err);
	img_set_close(from);
	return ret;
}

static int run_convert(const struct crit_args *args, struct img_err *err)
{
	return run(args, false, err);
}

static int run_flatten(const struct crit_args *args, struct img_err *err)
{
	return run(args, true, err);
}

const struct crit_verb crit_convert = {
	.name = "convert",
	.summary = "make a set of another version, in another place, or of a part of its tasks",
	.options = options,
	.operands = operands,
	.examples = "  crit convert --to 1.1 set.tar.zst /var/lib/checkpoint\n"
		    "  crit convert -z /var/lib/checkpoint - | ssh host crit convert - /var/lib/checkpoint\n"
		    "  crit convert --task 4123 /var/lib/checkpoint worker.tar\n"
		    "  crit convert --json /var/lib/checkpoint text; git -C text init; $EDITOR text/files.img.json;\n"
		    "  crit convert text /var/lib/changed\n",
	.run = run_convert,
};

/* Those of convert but for the last two. */
static const struct crit_option flatten_options[] = {
	[VERSION_OPTION] = { "to", 't', "VERSION", "1.0, 1.1 or 2 (as it is)" },
	[LOSSY] = { "lossy", 0, NULL, "go on where an older version cannot say something" },
	[COMPRESS] = { "compress", 'z', NULL,
		"compress: the page images of a directory, an archive as a whole" },
	[LEVEL] = { "level", 'l', "N", "how hard: 1 to 19 (3)" },
	[THREADS] = { "threads", 'T', "N", "how many threads compress (one per processor)" },
	[LONG] = { "long", 0, NULL, "find what repeats at a distance" },
	[FORCE] = { "force", 'f', NULL, "replace the set that is at OUT" },
	{ 0 },
};

const struct crit_verb crit_flatten = {
	.name = "flatten",
	.summary = "make one set of a chain of incremental ones",
	.options = flatten_options,
	.operands = operands,
	.examples = "  crit flatten /var/lib/checkpoint/3 /var/lib/checkpoint/full\n"
		    "  crit flatten /var/lib/checkpoint/3 full.tar.zst\n",
	.run = run_flatten,
};
