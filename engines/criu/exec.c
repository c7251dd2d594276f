/* engines/criu/exec.c -- hand a command over to the program that does it. */

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "criu/front.h"
#include "criuimg/cleanup.h"

/* The directory that this program was started from, with a slash; "" when that cannot be told. */
static void own_directory(char *buf, size_t size)
{
	ssize_t len = readlink("/proc/self/exe", buf, size - 1);
	char *slash;

	buf[len < 0 ? 0 : len] = '\0';
	slash = strrchr(buf, '/');
	if (slash)
		slash[1] = '\0';
}

int front_exec_args(const char *program, char **args, struct img_err *err)
{
	char path[PATH_MAX + NAME_MAX];

	own_directory(path, PATH_MAX);
	strncat(path, program, NAME_MAX);
	execv(path, args);
	if (errno == ENOENT)
		execvp(program, args);
	return img_fail_sys(err, "%s", program);
}

int front_exec(const char *program, const char *command, int argc, char **argv, struct img_err *err)
{
	cleanup_free char **args = calloc(argc + 2, sizeof(*args));
	bool dropped = false;
	int i, n = 0;

	if (!args)
		return img_fail_nomem(err);
	/* A name by which it knows that it ends as criu does: options_exit_status(). */
	args[n++] = (char *)OPTIONS_FRONT;
	/* A program of several commands is told which. */
	if (!strcmp(command, "pre-dump"))
		args[n++] = (char *)command;
	for (i = 1; i < argc; i++) {
		/* The command's name is the first word equal to it that getopt left among the non-options; those come
		 * last, in their order, since options_parse() has permuted argv. */
		if (!dropped && !strcmp(argv[i], command)) {
			dropped = true;
			continue;
		}
		args[n++] = argv[i];
	}
	return front_exec_args(program, args, err);
}
