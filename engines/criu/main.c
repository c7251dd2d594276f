/* engines/criu/main.c -- one front door with the classic command line. */

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "criu/front.h"
#include "criuimg/array.h"
#include "options/options.h"

/* Who does what: another program, or a function here. */
static const struct {
	enum command command;
	const char *program;
	int (*run)(const struct options *opt, struct img_err *err); /* exit status */
} commands[] = {
	{ CMD_DUMP, "criu-dump", NULL },
	{ CMD_PRE_DUMP, "criu-dump", NULL },
	{ CMD_RESTORE, "criu-restore", NULL },
	{ CMD_PAGE_SERVER, "criu-page-server", NULL },
	{ CMD_LAZY_PAGES, "criu-lazy-pages", NULL },
	{ CMD_CHECK, NULL, front_check },
	{ CMD_CPUINFO, NULL, front_cpuinfo },
	{ CMD_DEDUP, NULL, front_dedup },
	{ CMD_SWRK, NULL, front_swrk },
	{ CMD_SERVICE, NULL, front_service },
};

static int run(const struct options *opt, int argc, char **argv, struct img_err *err)
{
	const char *name = options_command_name(opt->command);
	size_t i;

	for (i = 0; i < ARRAY_SIZE(commands); i++) {
		if (commands[i].command != opt->command)
			continue;
		if (commands[i].run)
			return commands[i].run(opt, err);
		return front_exec(commands[i].program, name, argc, argv, err);
	}
	return img_fail(err, IMG_UNSUPPORTED, "%s is not supported yet", name);
}

/* We may have been started without them; what is printed must not end up in a file of ours. */
static void keep_standard_descriptors(void)
{
	int fd;

	do
		fd = open("/dev/null", O_RDWR);
	while (fd >= 0 && fd <= STDERR_FILENO);
	if (fd >= 0)
		close(fd);
}

int main(int argc, char **argv)
{
	struct img_err err = IMG_ERR_INIT;
	struct options opt;
	int ret;

	keep_standard_descriptors();
	ret = options_parse(&opt, 0, argc, argv, &err);
	if (ret == 1)
		return 0;
	if (ret == 0)
		ret = run(&opt, argc, argv, &err);
	if (ret < 0) {
		fprintf(stderr, "criu: %s\n", err.text);
		ret = img_exit_status(&err);
	}
	ret = options_exit_status(&opt, ret);
	options_free(&opt);
	return ret;
}
