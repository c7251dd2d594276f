/* crit/args.c -- the command line of a verb and its help, both from the verb's rows. */

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "crit.h"

/* getopt_long(3) answers with this plus the number of the row. */
#define ROW 256

static void print_usage(const struct crit_verb *verb)
{
	printf("usage: crit %s", verb->name);
	for (const struct crit_option *o = verb->options; o && o->name; o++) {
		if (o->letter)
			printf(" [-%c", o->letter);
		else
			printf(" [--%s", o->name);
		printf(o->arg ? " %s]" : "]", o->arg);
	}
	for (const struct crit_operand *o = verb->operands; o && o->name; o++)
		printf(" %s", o->name);
	puts("");
}

static void print_help(const struct crit_verb *verb)
{
	char left[64];

	printf("crit %s: %s\n\n", verb->name, verb->summary);
	print_usage(verb);
	puts("");
	for (const struct crit_operand *o = verb->operands; o && o->name; o++)
		printf("  %-18s %s\n", o->name, o->help);
	for (const struct crit_option *o = verb->options; o && o->name; o++) {
		const char *arg = o->arg ? o->arg : "";

		if (o->letter)
			snprintf(left, sizeof(left), "-%c, --%s %s", o->letter, o->name, arg);
		else
			snprintf(left, sizeof(left), "    --%s %s", o->name, arg);
		printf("  %-18s %s\n", left, o->help);
	}
	printf("  %-18s %s\n", "-h, --help", "this text");
	if (verb->more_help)
		verb->more_help();
	printf("\nexamples:\n%s", verb->examples);
}

struct getopt_tables {
	struct option longs[CRIT_MAX + 2];
	char shorts[2 * CRIT_MAX + 4];
};

static void fill_tables(const struct crit_verb *verb, struct getopt_tables *t)
{
	char *s = t->shorts;
	int n = 0;

	*s++ = ':'; /* tell a missing argument from an unknown option */
	*s++ = 'h';
	for (const struct crit_option *o = verb->options; o && o->name; o++, n++) {
		t->longs[n] = (struct option){ o->name, o->arg ? required_argument : no_argument, NULL, ROW + n };
		if (!o->letter)
			continue;
		*s++ = o->letter;
		if (o->arg)
			*s++ = ':';
	}
	*s = '\0';
	t->longs[n++] = (struct option){ "help", no_argument, NULL, 'h' };
	t->longs[n] = (struct option){ 0 };
}

/* The row of the option that getopt_long(3) found, or -1. */
static int row_of(const struct crit_verb *verb, int found)
{
	if (found >= ROW)
		return found - ROW;
	for (int n = 0; verb->options && verb->options[n].name; n++)
		if (verb->options[n].letter == found)
			return n;
	return -1;
}

static bool stands_alone(const struct crit_verb *verb, const struct crit_args *args)
{
	for (int n = 0; verb->options && verb->options[n].name; n++)
		if (args->option[n] && verb->alone && !strcmp(verb->options[n].name, verb->alone))
			return true;
	return false;
}

static int take_operands(
	const struct crit_verb *verb, int argc, char **argv, struct crit_args *args, struct img_err *err)
{
	int n = 0;

	for (; verb->operands && verb->operands[n].name; n++) {
		if (n >= argc && stands_alone(verb, args))
			break;
		if (n >= argc)
			return img_fail(err, IMG_USAGE, "%s: %s is missing (see `crit %s --help`)", verb->name,
				verb->operands[n].name, verb->name);
		args->operand[n] = argv[n];
	}
	if (n < argc)
		return img_fail(err, IMG_USAGE, "%s: %s: one argument too many (see `crit %s --help`)", verb->name,
			argv[n], verb->name);
	return 0;
}

int crit_args_parse(const struct crit_verb *verb, int argc, char **argv, struct crit_args *args, struct img_err *err)
{
	struct getopt_tables tables;
	int found, row;

	*args = (struct crit_args){ 0 };
	fill_tables(verb, &tables);
	opterr = 0;
	while ((found = getopt_long(argc, argv, tables.shorts, tables.longs, NULL)) != -1) {
		if (found == 'h') {
			print_help(verb);
			return 1;
		}
		if (found == ':')
			return img_fail(err, IMG_USAGE, "%s: %s needs an argument", verb->name, argv[optind - 1]);
		row = row_of(verb, found);
		if (row < 0)
			return img_fail(err, IMG_USAGE, "%s: %s: no such option (see `crit %s --help`)", verb->name,
				argv[optind - 1], verb->name);
		args->option[row] = optarg ? optarg : "";
	}
	return take_operands(verb, argc - optind, argv + optind, args, err);
}
