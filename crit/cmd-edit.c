/* crit/cmd-edit.c -- crit edit: changes a field of an image of a set.
 *
 * The image becomes JSON in its pretty form, the text of one value is replaced, and an image is made of it again: so whatever encode takes
 * is a value, and every other field stays as it was. The set is written anew (its manifest must fit), validated, and then takes the
 * place of the old one.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "crit.h"
#include "criuimg/cleanup.h"
#include "criuimg/json.h"
#include "criuimg/set.h"
#include "criuimg/validate.h"
#include "edit.h"
#include "transform.h"

enum { FORCE, OUT };
enum { IMAGES, PATH, VALUE };

static const struct crit_option options[] = {
	[FORCE] = { "force", 0, NULL, "also when the set does not validate after it" },
	[OUT] = { "out", 'o', "OUT", "leave the set as it is, and write the changed one there: a directory or an archive" },
	{ 0 },
};

static const struct crit_operand operands[] = {
	[IMAGES] = { "DIR", "the images" },
	[PATH] = { "PATH", "IMAGE:FIELD, as in files.img:[id=7].reg.name; [N] counts from 0, without it entry 0 is meant" },
	[VALUE] = { "VALUE", "a number, a name, an address, text: whatever `crit encode` takes there" },
	{ 0 },
};

struct edit {
	char *image;	   /* the file */
	const char *field; /* the rest of the path */
	const char *value;
	struct img_sink *made; /* the new image, in memory */
	bool force;
	uint64_t errors_before;
};

/* ---- the new image ---- */

static int decode_member(struct img_set *set, const char *name, struct img_sink *json, struct img_err *err)
{
	const struct img_json_options pretty = { .pretty = true };
	enum img_kind kind = img_kind_by_file(name, NULL);
	struct img_source *src;
	struct img_reader *r;
	int ret = img_set_source(set, name, &src, err);

	if (ret < 0)
		return -1;
	if (ret == 0)
		return img_fail(err, IMG_USAGE, "there is no image %s", name);
	if (kind == IMG_KIND_UNKNOWN || img_kind_info(kind)->framing == IMG_FRAMING_RAW) {
		img_source_close(src);
		return img_fail(err, IMG_UNSUPPORTED, "%s: has no fields", name);
	}
	r = img_reader_of_kind(src, kind, err);
	if (!r) {
		img_source_close(src);
		return -1;
	}
	ret = img_json_decode(r, &pretty, json, err);
	img_reader_close(r);
	return ret;
}

static int make_image(struct edit *e, struct img_set *set, struct img_err *err)
{
	struct img_sink *json = img_sink_memory_new(err);
	cleanup_free char *text = NULL;
	struct img_source *src = NULL;
	size_t size, len;
	int ret = -1;

	if (json && decode_member(set, e->image, json, err) == 0) {
		const char *before = img_sink_memory(json, &size);

		ret = edit_json(before, size, e->field, e->value, &text, &len, err);
	}
	if (ret == 0) {
		e->made = img_sink_memory_new(err);
		src = e->made ? img_source_memory_new(text, len, err) : NULL;
		ret = src ? img_json_encode(src, e->made, err) : -1;
	}
	img_source_close(src);
	img_sink_abort(json);
	return ret < 0 ? img_wrap(err, "%s", e->image) : 0;
}

/* ---- the new set ---- */

static int put_member(void *arg, struct img_set *from, struct img_set *to, const char *name, struct img_err *err)
{
	struct edit *e = arg;
	struct img_sink *sink;
	const void *data;
	size_t size;

	if (strcmp(name, e->image))
		return 0;
	sink = img_set_sink(to, name, err);
	if (!sink)
		return -1;
	data = img_sink_memory(e->made, &size);
	if (img_sink_write(sink, data, size, err) < 0) {
		img_sink_abort(sink);
		return -1;
	}
	return img_sink_finish(sink, err) < 0 ? -1 : 1;
}

struct findings {
	char first[512];
};

static int note_finding(void *arg, const struct img_finding *finding)
{
	struct findings *findings = arg;

	if (finding->severity == IMG_ERROR && !*findings->first)
		snprintf(findings->first, sizeof(findings->first), "%s: %s%s%s", finding->file, finding->field, *finding->field ? ": " : "",
			finding->text);
	return 0;
}

/* Errors of the set at dir; *first is told of. */
static int count_errors(const char *dir, struct findings *findings, uint64_t *errors, struct img_err *err)
{
	const struct img_validate_options opt = { .no_digests = true };
	struct img_validate_result result;
	struct img_set *set = crit_set_open(dir, err);
	int ret = set ? img_validate(set, &opt, note_finding, findings, &result, err) : -1;

	img_set_close(set);
	*errors = ret == 0 ? result.errors : 0;
	return ret;
}

static int check(void *arg, const char *path, struct img_err *err)
{
	struct edit *e = arg;
	struct findings after = { "" };
	uint64_t errors;

	if (count_errors(path, &after, &errors, err) < 0)
		return -1;
	if (errors > e->errors_before && !e->force)
		return img_fail(err, IMG_USAGE, "the set would not be valid (--force does it all the same): %s", after.first);
	return 0;
}

static int edit_set(struct edit *e, struct img_set *set, const struct crit_args *args, struct img_err *err)
{
	const struct transform t = { .member = put_member, .check = check, .arg = e };
	const char *in = args->operand[IMAGES], *out = args->option[OUT];
	struct findings before = { "" };

	if (!out && img_set_dirfd(set) < 0)
		return img_fail(err, IMG_UNSUPPORTED, "%s: not a directory: say where the changed set goes (-o OUT)", in);
	if (strcmp(in, "-") && count_errors(in, &before, &e->errors_before, err) < 0)
		return -1;
	return transform_set(set, in, out ? out : in, !out, &t, err);
}

static int run(const struct crit_args *args, struct img_err *err)
{
	struct edit e = { .image = strdup(args->operand[PATH]), .value = args->operand[VALUE],
		.force = args->option[FORCE] };
	char *colon = e.image ? strchr(e.image, ':') : NULL;
	struct img_set *set = NULL;
	int ret = 0;

	if (!e.image)
		return img_fail_nomem(err);
	if (!colon || !colon[1])
		ret = img_fail(err, IMG_USAGE, "%s: not IMAGE:FIELD", args->operand[PATH]);
	if (ret == 0) {
		*colon = '\0';
		e.field = colon + 1;
		set = crit_set_open(args->operand[IMAGES], err);
		ret = set ? make_image(&e, set, err) : -1;
	}
	if (ret == 0)
		ret = edit_set(&e, set, args, err);
	img_sink_abort(e.made);
	img_set_close(set);
	free(e.image);
	return ret;
}

const struct crit_verb crit_edit = {
	.name = "edit",
	.summary = "change a field of an image: a path, an address, a port",
	.options = options,
	.operands = operands,
	.examples = "  crit edit images 'files.img:[id=7].reg.name' /new/path\n"
		    "  crit edit images 'files.img:[id=9].isk.src_port' 8080\n"
		    "  crit edit images 'files.img:[id=9].isk.src_addr' 10.0.0.7\n"
		    "  crit edit images core-1234.img:tc.comm daemon\n",
	.run = run,
};
