/* engines/options/cgroups.c -- what was asked about control groups. */

#include "options/cgroups.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "criuimg/array.h"

static const struct {
	const char *word;
	enum cgroup_mode mode;
} modes[] = {
	{ "ignore", CGROUPS_IGNORE }, { "none", CGROUPS_NONE }, { "props", CGROUPS_PROPS },
	{ "soft", CGROUPS_SOFT },     { "full", CGROUPS_FULL }, { "strict", CGROUPS_STRICT },
};

bool options_cgroup_mode_known(const char *word, enum cgroup_mode *mode)
{
	for (size_t i = 0; i < ARRAY_SIZE(modes); i++)
		if (!strcmp(modes[i].word, word)) {
			if (mode)
				*mode = modes[i].mode;
			return true;
		}
	return false;
}

enum cgroup_mode options_cgroup_mode(const struct options *opt)
{
	enum cgroup_mode mode = CGROUPS_SOFT;

	if (opt->manage_cgroups_mode)
		options_cgroup_mode_known(opt->manage_cgroups_mode, &mode);
	return mode;
}

bool options_cgroup_root_valid(const char *item)
{
	const char *path = strchr(item, '/');

	if (!path || (path > item && path[-1] != ':') || path == item + 1)
		return false;
	for (const char *at = path; (at = strstr(at, "/..")); at += 3)
		if (at[3] == '/' || !at[3])
			return false;
	return true;
}

const char *options_cgroup_root(
	const struct options *opt, const char *name, bool (*has)(const char *name, const char *ctl))
{
	const char *all = NULL;

	for (size_t i = opt->cgroup_roots.nr; i--;) {
		const char *item = opt->cgroup_roots.items[i], *path = strchr(item, '/');
		char ctl[64];

		if (!path || (size_t)(path - item) >= sizeof(ctl))
			continue;
		if (path == item) {
			all = all ? all : path;
			continue;
		}
		memcpy(ctl, item, path - item - 1);
		ctl[path - item - 1] = '\0';
		if (has(name, ctl))
			return path;
	}
	return all;
}

const char *options_cgroup_yard(const struct options *opt, char buf[CGROUP_YARD_SIZE])
{
	char dir[PATH_MAX];

	if (!opt->cgroup_yard || opt->cgroup_yard[0] == '/')
		return opt->cgroup_yard;
	snprintf(buf, CGROUP_YARD_SIZE, "%s/%s", options_work_dir(opt, dir), opt->cgroup_yard);
	return buf;
}
