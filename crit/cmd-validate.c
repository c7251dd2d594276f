/* crit/cmd-validate.c -- crit validate: is a set of images whole, and does it agree with itself. */

#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "crit.h"
#include "criuimg/cleanup.h"
#include "criuimg/set.h"
#include "criuimg/validate.h"
#include "host.h"

enum { DIR_OPERAND };
enum { JSON, QUIET, NO_DIGESTS, HERE, HOST };

static const struct crit_operand operands[] = {
	[DIR_OPERAND] = { "DIR", "the images" },
	{ 0 },
};

static const struct crit_option options[] = {
	[JSON] = { "json", 0, NULL, "print one JSON object" },
	[QUIET] = { "quiet", 'q', NULL, "print no findings: only the exit status counts" },
	[NO_DIGESTS] = { "no-digests", 0, NULL,
		"hold sizes against the manifest, and do not read all the data" },
	[HERE] = { "here", 0, NULL, "also: can this host take it" },
	[HOST] = { "host", 0, "FILE", "also: can the host take it that `crit requires --describe` described" },
	{ 0 },
};

struct output {
	bool json, quiet;
	uint64_t nr;
};

/* A name may come from a hostile image: nothing of it is for the terminal to act upon. */
static void print_text(const char *text)
{
	for (; *text; text++)
		putchar((unsigned char)*text < 0x20 || *text == 0x7f ? '?' : *text);
}

static void print_finding(const struct img_finding *f)
{
	printf("%s: ", img_severity_name(f->severity));
	if (*f->file) {
		print_text(f->file);
		printf(": ");
	}
	if (f->entry >= 0)
		printf("entry %" PRId64 ": ", f->entry);
	if (*f->field) {
		print_text(f->field);
		printf(": ");
	}
	print_text(f->text);
	printf(" [%s]\n", f->check);
}

/* Text that is no UTF-8 keeps its ASCII. */
static json_t *json_text(const char *text)
{
	json_t *s = json_string(text);
	char *copy;

	if (s)
		return s;
	copy = strdup(text);
	for (char *p = copy; p && *p; p++)
		if ((unsigned char)*p >= 0x80)
			*p = '?';
	s = copy ? json_string(copy) : NULL;
	free(copy);
	return s;
}

static void print_json(struct output *out, const struct img_finding *f)
{
	json_t *o = json_pack("{s:s, s:s, s:o*, s:o*, s:o*, s:o*}", "severity",
		img_severity_name(f->severity), "check", f->check, "file",
		*f->file ? json_text(f->file) : NULL, "entry", f->entry >= 0 ? json_integer(f->entry) : NULL,
		"field", *f->field ? json_text(f->field) : NULL, "text", json_text(f->text));
	char *line = o ? json_dumps(o, JSON_ENSURE_ASCII) : NULL;

	printf("%s\n  %s", out->nr ? "," : "", line ? line : "{}");
	free(line);
	json_decref(o);
}

static int report(void *arg, const struct img_finding *f)
{
	struct output *out = arg;

	if (!out->quiet) {
		if (out->json)
			print_json(out, f);
		else
			print_finding(f);
	}
	out->nr++;
	return 0;
}

static void count_text(char *buf, size_t size, const struct img_validate_result *r)
{
	snprintf(buf, size, "%" PRIu64 " error%s, %" PRIu64 " warning%s, %" PRIu64 " note%s", r->errors,
		r->errors == 1 ? "" : "s", r->warnings, r->warnings == 1 ? "" : "s", r->notes,
		r->notes == 1 ? "" : "s");
}

static int verdict(
	const char *dir, const struct output *out, const struct img_validate_result *r, struct img_err *err)
{
	char counts[120];

	count_text(counts, sizeof(counts), r);
	if (out->json)
		printf("%s], \"errors\": %" PRIu64 ", \"warnings\": %" PRIu64 ", \"notes\": %" PRIu64 "}\n",
			out->nr && !out->quiet ? "\n" : "", r->errors, r->warnings, r->notes);
	if (r->errors)
		return img_fail(err, r->unsupported ? IMG_UNSUPPORTED : IMG_CORRUPT, "%s: %s", dir, counts);
	if (!out->json && !out->quiet)
		printf("%s: %s\n", dir, counts);
	return 0;
}

/* An archive that cannot be read to its end is a finding, too. */
static int unreadable(const char *dir, struct output *out, struct img_validate_result *result, struct img_err *err)
{
	struct img_finding f = { .severity = IMG_ERROR, .code = IMG_CORRUPT, .check = "structure", .file = "", .entry = -1, .field = "" };
	struct img_err why = *err;

	f.text = why.text;
	report(out, &f);
	result->errors++;
	return verdict(dir, out, result, err);
}

IMG_DEFINE_CLEANUP(struct img_set *, img_set_close);

/* The strings of a list, which stay the list's; NULL without memory or list. */
static const char **strings(const json_t *list, size_t *nr)
{
	const char **words = json_is_array(list) ? calloc(json_array_size(list) + 1, sizeof(*words)) : NULL;
	const json_t *item;
	size_t i;

	*nr = 0;
	if (words)
		json_array_foreach (list, i, item)
			if (json_is_string(item))
				words[(*nr)++] = json_string_value(item);
	return words;
}

/* The description as the library takes it. */
static void host_fill(struct img_host *host, const json_t *json)
{
	host->arch = json_string_value(json_object_get(json, "arch"));
	host->page_size = json_integer_value(json_object_get(json, "page_size"));
	host->cpu_features = strings(json_object_get(json, "cpu_features"), &host->nr_cpu_features);
	host->features = strings(json_object_get(json, "requires"), &host->nr_features);
}

static int validate(const struct crit_args *args, const struct img_host *host, struct img_err *err)
{
	const char *dir = args->operand[DIR_OPERAND];
	struct img_validate_options opt = { .no_digests = args->option[NO_DIGESTS], .host = host };
	struct output out = { .json = args->option[JSON], .quiet = args->option[QUIET] };
	cleanup_with(img_set_close) struct img_set *set = crit_set_open_whole(dir, err);
	struct img_validate_result result = { 0 };

	if (!set && err->code != IMG_CORRUPT)
		return -1;
	if (out.json)
		printf("{\"findings\": [");
	if (!set)
		return unreadable(dir, &out, &result, err);
	if (img_validate(set, &opt, report, &out, &result, err) < 0)
		return err->code == IMG_CORRUPT ? unreadable(dir, &out, &result, err) : img_wrap(err, "%s", dir);
	return verdict(dir, &out, &result, err);
}

static int run(const struct crit_args *args, struct img_err *err)
{
	struct img_host host = { 0 };
	json_t *json;
	int ret;

	if (!args->option[HERE] && !args->option[HOST])
		return validate(args, NULL, err);
	json = host_read(args->option[HOST], err);
	if (!json)
		return -1;
	host_fill(&host, json);
	ret = validate(args, &host, err);
	free((void *)host.cpu_features);
	free((void *)host.features);
	json_decref(json);
	return ret;
}

const struct crit_verb crit_validate = {
	.name = "validate",
	.summary = "check a set of images: whole, and in agreement with itself",
	.options = options,
	.operands = operands,
	.examples = "  crit validate /var/lib/checkpoint\n"
		    "  crit validate --here /var/lib/checkpoint && criu-restore -D /var/lib/checkpoint\n"
		    "  crit validate --json /var/lib/checkpoint | jq '.findings[] | select(.severity == "
		    "\"error\")'\n"
		    "\nexit status: 0 no errors, 4 the set is bad, 3 it is whole and needs what is not known "
		    "here\n",
	.run = run,
};
