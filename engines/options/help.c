/* engines/options/help.c -- help, from the rows of the tables. */

#include <stdio.h>
#include <string.h>

#include "options/table.h"

enum {
	HELP_COLUMN = 32,
	HELP_WIDTH = 110,
};

/* Text in a column, broken between words. `at` is where the line has got to. */
static void column(const char *text, int at)
{
	printf("%*s", at < HELP_COLUMN ? HELP_COLUMN - at : 1, "");
	at = at < HELP_COLUMN ? HELP_COLUMN : at + 1;
	while (*text) {
		int len = strcspn(text, " ");

		if (at + len > HELP_WIDTH) {
			printf("\n%*s", HELP_COLUMN, "");
			at = HELP_COLUMN;
		}
		printf("%.*s", len, text);
		at += len;
		text += len;
		if (*text == ' ') {
			putchar(' ');
			at++;
			text++;
		}
	}
	putchar('\n');
}

static void option_line(const struct option_row *row)
{
	int at = row->letter ? printf("  -%c, --%s", row->letter, row->name) : printf("      --%s", row->name);

	if (row->arg_name)
		at += row->arg == ARG_OPTIONAL ? printf("[=%s]", row->arg_name) : printf(" %s", row->arg_name);
	column(row->help, at);
}

static void group_line(const char *heading)
{
	printf("\n%s:\n", heading);
}

void option_rows_each(unsigned commands, void (*group)(const char *heading), void (*row)(const struct option_row *row))
{
	const char *heading = "", *shown = NULL;

	for (size_t i = 0; i < option_rows_nr; i++) {
		if (option_rows[i].group)
			heading = option_rows[i].group;
		if (!(option_rows[i].commands & commands))
			continue;
		if (heading != shown)
			group(heading);
		shown = heading;
		row(&option_rows[i]);
	}
}

static const char *const examples[][2] = {
	{ "criu-dump", "  criu-dump -t 1234 -D images        save process 1234 and all below it, and end it\n"
		       "  criu-dump -t 1234 -D images -R     the same, and let it run on\n"
		       "  criu-dump -t 1234 --dry-run        what would stop a dump\n" },
	{ "criu-restore", "  criu-restore -D images -d          rebuild it, return when it runs\n"
			  "  criu-restore -D images --plan      what would be done\n" },
	{ "criu-lazy-pages", "  criu-lazy-pages -D images -d && criu-restore -D images -d --lazy-pages\n" },
	{ "criu-page-server", "  criu-page-server -D images --port 9876        where criu-dump --page-server sends memory to\n"
			      "  criu-page-server -D images --port 9876 -d     the same, in the background\n" },
	{ "criu", "  criu dump -t 1234 -D images\n"
		  "  criu restore -D images -d\n"
		  "  criu check --all\n" },
};

void options_help(const struct options *opt, enum command command)
{
	size_t i;

	if (command) {
		for (i = 0; i < command_rows_nr; i++) {
			if (command_rows[i].command == command)
				printf("%s -- %s\n\nUsage:\n  %s %s\n", opt->program, command_rows[i].help, opt->program,
					command_rows[i].usage);
		}
	} else {
		printf("%s -- checkpoint and restore of process trees\n\nUsage:\n", opt->program);
		for (i = 0; i < command_rows_nr; i++)
			printf("  %s %s %s\n", opt->program, command_rows[i].name, command_rows[i].usage);
		printf("\nCommands:\n");
		for (i = 0; i < command_rows_nr; i++)
			column(command_rows[i].help, printf("  %s", command_rows[i].name));
	}
	option_rows_each(command ? command : ~0u, group_line, option_line);
	printf("\nAn option without a value can be taken back with --no-OPTION.\n");
	for (i = 0; i < sizeof(examples) / sizeof(examples[0]); i++) {
		if (!strcmp(examples[i][0], opt->program))
			printf("\nExamples:\n%s", examples[i][1]);
	}
}
