/* docs/man/tool/man.c -- makes a manual page: the text of docs/man/<page>.in, with the line @OPTIONS@ replaced by the options of
 * a command as the table of options has them, so that page, help and parser cannot disagree.
 *
 * usage: man COMMAND <docs/man/criu-dump.8.in    (COMMAND "all": every option)
 */

#include <stdio.h>
#include <string.h>

#include "options/table.h"

static void option_text(const struct option_row *row)
{
	printf(".TP\n");
	if (row->letter)
		printf("\\fB\\-%c\\fR, ", row->letter);
	printf("\\fB\\-\\-%s\\fR", row->name);
	if (row->arg == ARG_REQUIRED)
		printf(" \\fI%s\\fR", row->arg_name);
	else if (row->arg == ARG_OPTIONAL)
		printf("[=\\fI%s\\fR]", row->arg_name);
	printf("\n%s.\n", row->help);
}

static void group_text(const char *heading)
{
	printf(".SS %s\n", heading);
}

int main(int argc, char **argv)
{
	unsigned commands = argc > 1 && strcmp(argv[1], "all") ? options_command_by_name(argv[1]) : ~0u;
	char line[1024];

	while (fgets(line, sizeof(line), stdin)) {
		if (!strcmp(line, "@OPTIONS@\n"))
			option_rows_each(commands, group_text, option_text);
		else
			fputs(line, stdout);
	}
	return commands == 0;
}
