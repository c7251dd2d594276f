/* kernel/limits.c -- /proc/PID/limits. */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "criuimg/array.h"
#include "criuimg/cleanup.h"
#include "kernel/limits.h"
#include "kernel/proc-file.h"

/* What a line starts with. */
static const struct {
	const char *name;
	int resource;
} rows[] = {
	{ "Max cpu time", RLIMIT_CPU },
	{ "Max file size", RLIMIT_FSIZE },
	{ "Max data size", RLIMIT_DATA },
	{ "Max stack size", RLIMIT_STACK },
	{ "Max core file size", RLIMIT_CORE },
	{ "Max resident set", RLIMIT_RSS },
	{ "Max processes", RLIMIT_NPROC },
	{ "Max open files", RLIMIT_NOFILE },
	{ "Max locked memory", RLIMIT_MEMLOCK },
	{ "Max address space", RLIMIT_AS },
	{ "Max file locks", RLIMIT_LOCKS },
	{ "Max pending signals", RLIMIT_SIGPENDING },
	{ "Max msgqueue size", RLIMIT_MSGQUEUE },
	{ "Max nice priority", RLIMIT_NICE },
	{ "Max realtime priority", RLIMIT_RTPRIO },
	{ "Max realtime timeout", RLIMIT_RTTIME },
};

static int parse_value(const char **at, uint64_t *value)
{
	static const char unlimited[] = "unlimited";
	const char *in = *at + strspn(*at, " ");
	char *end;

	if (!strncmp(in, unlimited, sizeof(unlimited) - 1)) {
		*value = RLIM64_INFINITY;
		*at = in + sizeof(unlimited) - 1;
		return 0;
	}
	errno = 0;
	*value = strtoull(in, &end, 10);
	if (end == in || errno)
		return -1;
	*at = end;
	return 0;
}

int kern_limits_parse(const char *text, struct rlimit64 limits[RLIM_NLIMITS], struct img_err *err)
{
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		size_t len = strlen(rows[i].name);
		const char *line = text;
		struct rlimit64 *l = &limits[rows[i].resource];

		while (line && !(!strncmp(line, rows[i].name, len) && line[len] == ' ')) {
			line = strchr(line, '\n');
			line = line ? line + 1 : NULL;
		}
		if (!line)
			return img_fail(err, IMG_UNSUPPORTED, "no line \"%s\"", rows[i].name);
		line += len;
		if (parse_value(&line, &l->rlim_cur) < 0 || parse_value(&line, &l->rlim_max) < 0)
			return img_fail(err, IMG_UNSUPPORTED, "line \"%s\": \"%.40s\" is not two limits",
				rows[i].name, line);
	}
	return 0;
}

int kern_limits_read(pid_t pid, struct rlimit64 limits[RLIM_NLIMITS], struct img_err *err)
{
	cleanup_free char *text = kern_proc_read(NULL, err, "/proc/%d/limits", pid);

	if (!text)
		return -1;
	if (kern_limits_parse(text, limits, err) < 0)
		return img_wrap(err, "/proc/%d/limits", pid);
	return 0;
}
