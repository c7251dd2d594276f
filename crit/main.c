/* crit/main.c -- looks into images: the list of verbs, and the only place that reports a failure. */

#include <stdio.h>
#include <string.h>

#include "crit.h"
#include "criuimg/array.h"

static const struct crit_verb *const verbs[] = {
	&crit_decode,
	&crit_encode,
	&crit_show,
	&crit_info,
	&crit_x,
	&crit_mem,
	&crit_grep,
	&crit_core,
	&crit_diff,
	&crit_stats,
	&crit_redact,
	&crit_report,
	&crit_edit,
	&crit_requires,
	&crit_validate,
	&crit_convert,
	&crit_compress,
	&crit_decompress,
	&crit_flatten,
	&crit_dedup,
};

static void print_help(void)
{
	puts("crit looks into the images of a checkpoint, and changes them.\n\nusage: crit VERB [ARGUMENT]...\n");
	for (size_t i = 0; i < ARRAY_SIZE(verbs); i++)
		printf("  %-12s%s\n", verbs[i]->name, verbs[i]->summary);
	puts("\nDIR of a verb is a directory of images, an archive, - for an archive on standard input, or the http or https\n"
	     "URL of an archive.");
	puts("\n`crit VERB --help` explains a verb and shows examples.\n\n"
	     "  -h, --help     this text\n"
	     "  -V, --version  the version of crit\n"
	     "  --completion SHELL\n"
	     "                 print what makes bash or zsh complete command lines of crit");
}

static const struct crit_verb *find_verb(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(verbs); i++)
		if (!strcmp(verbs[i]->name, name))
			return verbs[i];
	return NULL;
}

static int run(int argc, char **argv, struct img_err *err)
{
	const struct crit_verb *verb;
	struct crit_args args;
	int ret;

	if (argc < 2)
		return img_fail(err, IMG_USAGE, "what is to be done? (`crit --help` lists the verbs)");
	if (!strcmp(argv[1], "-h") || !strcmp(argv[1], "--help") || !strcmp(argv[1], "help")) {
		print_help();
		return 0;
	}
	if (!strcmp(argv[1], "-V") || !strcmp(argv[1], "--version")) {
		puts(VERSION);
		return 0;
	}
	if (!strcmp(argv[1], "--completion"))
		return crit_print_completion(verbs, ARRAY_SIZE(verbs), argc > 2 ? argv[2] : "", err);
	verb = find_verb(argv[1]);
	if (!verb)
		return img_fail(err, IMG_USAGE, "%s: no such verb (`crit --help` lists them)", argv[1]);
	ret = crit_args_parse(verb, argc - 1, argv + 1, &args, err);
	if (ret)
		return ret < 0 ? -1 : 0;
	return verb->run(&args, err);
}

int main(int argc, char **argv)
{
	struct img_err err = IMG_ERR_INIT;

	if (run(argc, argv, &err) < 0) {
		fprintf(stderr, "crit: %s\n", err.text);
		return img_exit_status(&err);
	}
	if (fflush(stdout) || ferror(stdout)) {
		perror("crit: standard output");
		return 1;
	}
	return 0;
}
