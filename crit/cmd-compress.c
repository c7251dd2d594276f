/* crit/cmd-compress.c -- crit compress and crit decompress: a set as it is, with its page data packed or plain. */

#include <string.h>

#include "crit.h"
#include "criuimg/cleanup.h"
#include "set-output.h"

enum { SET };
enum { OUT_OPTION, LEVEL, THREADS, LONG, SHARE };

static const struct crit_operand operands[] = {
	[SET] = { "SET", "a directory or an archive" },
	{ 0 },
};

static const struct crit_option compress_options[] = {
	[OUT_OPTION] = { "out", 'o', "OUT", "where the new one goes (to the place of the old one)" },
	[LEVEL] = { "level", 'l', "N", "how hard: 1 to 19 (3)" },
	[THREADS] = { "threads", 'T', "N", "how many threads compress (one per processor)" },
	[LONG] = { "long", 0, NULL, "find what repeats at a distance: smaller, and slower to read in part" },
	[SHARE] = { "share", 's', NULL, "and store equal pages of a task once (the set becomes one of version 2)" },
	{ 0 },
};

static const struct crit_option decompress_options[] = {
	[OUT_OPTION] = { "out", 'o', "OUT", "where the new one goes (to the place of the old one)" },
	{ 0 },
};

/* An archive that keeps a name which says compressed is no plain one. */
static int name_check(const char *path, bool compress, struct img_err *err)
{
	bool zstd;

	if (compress || !crit_is_archive_name(path, &zstd) || !zstd)
		return 0;
	return img_fail(err, IMG_USAGE, "%s: a name for what is compressed: use --out with another", path);
}

static int copy(struct img_set *from, const char *in, const char *path, bool replace,
	const struct crit_packing *packing, bool share, struct img_err *err)
{
	struct img_convert_options opt = {
		.progress = crit_set_progress, .producer = "crit", .producer_version = VERSION
	};
	cleanup_free char *link = NULL;
	struct crit_set_output out;
	int forked = crit_is_forked(from, err), ret;

	if (forked < 0 || (!forked && crit_parent_link(from, in, path, &link, err) < 0) || name_check(path, packing->compress, err))
		return -1;
	opt.parent = link;
	opt.share = share;
	if (share)
		opt.version = IMG_VERSION_2;
	if (crit_set_output_open(&out, path, packing, replace, err))
		return -1;
	opt.arg = &out;
	ret = forked ? img_set_flatten(from, out.set, &opt, err) : img_set_convert(from, out.set, &opt, err);
	return crit_set_output_close(&out, ret, err);
}

static int run(const struct crit_args *args, const struct crit_packing *packing, bool share, struct img_err *err)
{
	const char *in = args->operand[SET], *out = args->option[OUT_OPTION];
	bool zstd, replace = !out;
	struct img_set *from;
	int ret;

	if (!out && !strcmp(in, "-"))
		out = "-";
	from = crit_set_open(in, err);
	if (!from)
		return -1;
	if (!out && img_set_dirfd(from) < 0 && !crit_is_archive_name(in, &zstd))
		ret = img_fail(err, IMG_USAGE,
			"%s: an archive without a name of one (.tar, .tar.zst): use --out", in);
	else
		ret = copy(from, in, out ? out : in, replace, packing, share, err);
	img_set_close(from);
	return ret;
}

static int run_compress(const struct crit_args *args, struct img_err *err)
{
	struct crit_packing packing = { .compress = true };

	if (crit_packing_parse(&packing, args->option[LEVEL], args->option[THREADS], args->option[LONG], err))
		return -1;
	return run(args, &packing, args->option[SHARE], err);
}

static int run_decompress(const struct crit_args *args, struct img_err *err)
{
	return run(args, &(struct crit_packing){ 0 }, false, err);
}

const struct crit_verb crit_compress = {
	.name = "compress",
	.summary = "compress the page data of a set, or an archive",
	.options = compress_options,
	.operands = operands,
	.examples = "  crit compress /var/lib/checkpoint\n"
		    "  crit compress -l 19 --long -o small.tar.zst /var/lib/checkpoint\n",
	.run = run_compress,
};

const struct crit_verb crit_decompress = {
	.name = "decompress",
	.summary = "make the page data of a set plain again",
	.options = decompress_options,
	.operands = operands,
	.examples = "  crit decompress /var/lib/checkpoint\n"
		    "  crit decompress -o plain.tar set.tar.zst\n",
	.run = run_decompress,
};
