/* engines/criu/check.c -- `criu check`: what of this kernel's features is there.
 *
 * Output and exit status: criu(8), "check".
 */

#include <stdio.h>
#include <string.h>

#include <jansson.h>

#include "criu/front.h"
#include "criuimg/cleanup.h"
#include "kernel/probe.h"

enum verdict {
	GOOD,
	LACKS_EXTRA, /* something that only some trees need */
	BAD,
};

static const char *const sentences[] = {
	[GOOD] = "Looks good.",
	[LACKS_EXTRA] = "Looks good but something is missing that some process trees need.",
	[BAD] = "Does not look good.",
};

/* One feature: tried, told, counted. */
static void try_one(const struct options *opt, const struct probe *probe, json_t *report, enum verdict *verdict)
{
	struct img_err err = IMG_ERR_INIT;
	int ret = probe->run(&err);

	if (report)
		json_array_append_new(report, json_pack("{s:s, s:i, s:s, s:b, s:s}", "feature", probe->name, "category",
						      probe->category, "needed_for", probe->what, "present", ret == 1,
						      "reason", ret == 1 ? "" : err.text));
	if (ret == 1) {
		if (!report && opt->check_features.nr)
			printf("%s is supported\n", probe->name);
		return;
	}
	if (!report && opt->verbosity >= 1)
		fprintf(stderr, "%s: %s (%s)%s%s\n", probe->category == PROBE_ESSENTIAL ? "Error" : "Warn", probe->name,
			probe->what, *err.text ? ": " : "", err.text);
	if (probe->category == PROBE_ESSENTIAL)
		*verdict = BAD;
	else if (*verdict == GOOD)
		*verdict = LACKS_EXTRA;
}

static int list(void)
{
	size_t i;

	for (i = 0; i < kern_probes_nr; i++)
		puts(kern_probes[i].name);
	return 0;
}

static void print_report(json_t *report, enum verdict verdict)
{
	json_t *all = json_pack("{s:s, s:b, s:o}", "verdict", sentences[verdict], "good", verdict == GOOD, "features", report);
	cleanup_free char *text = json_dumps(all, JSON_INDENT(4));

	if (text)
		puts(text);
	json_decref(all);
}

/* --feature NAME: 0 when all that were named are there. */
static int named(const struct options *opt, json_t *report, enum verdict *verdict, struct img_err *err)
{
	size_t i;

	for (i = 0; i < opt->check_features.nr; i++) {
		const struct probe *probe = kern_probe_find(opt->check_features.items[i]);

		if (!probe)
			return img_fail(err, IMG_USAGE, "unknown feature \"%s\": `--feature list` prints the names",
				opt->check_features.items[i]);
		try_one(opt, probe, report, verdict);
	}
	return 0;
}

static void by_category(const struct options *opt, json_t *report, enum verdict *verdict)
{
	size_t i;

	for (i = 0; i < kern_probes_nr; i++) {
		enum probe_category c = kern_probes[i].category;

		if (c == PROBE_ESSENTIAL || (c == PROBE_EXTRA && opt->check_extra) ||
			(c == PROBE_EXPERIMENTAL && opt->check_experimental))
			try_one(opt, &kern_probes[i], report, verdict);
	}
}

int front_check(const struct options *opt, struct img_err *err)
{
	json_t *report = opt->json ? json_array() : NULL;
	enum verdict verdict = GOOD;

	if (opt->check_features.nr && !strcmp(opt->check_features.items[0], "list")) {
		json_decref(report);
		return list();
	}
	if (!opt->check_features.nr)
		by_category(opt, report, &verdict);
	else if (named(opt, report, &verdict, err) < 0)
		return -1;

	if (report)
		print_report(report, verdict);
	else if (!opt->check_features.nr)
		puts(sentences[verdict]);
	return verdict == GOOD ? 0 : 1;
}
