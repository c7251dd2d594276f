/* engines/options/cgroups.h -- what was asked about control groups: --manage-cgroups, --cgroup-root. */
#ifndef ENGINES_OPTIONS_CGROUPS_H
#define ENGINES_OPTIONS_CGROUPS_H

#include "options/options.h"

enum cgroup_mode {
	CGROUPS_IGNORE, /* there are none */
	CGROUPS_NONE,	/* groups must be there; their properties are left alone */
	CGROUPS_PROPS,	/* groups must be there; they get their properties */
	CGROUPS_SOFT,	/* groups that are missing are made, and only those get properties: the default */
	CGROUPS_FULL,	/* groups that are missing are made, and all get properties */
	CGROUPS_STRICT, /* no group may be there */
};

/* Is this a mode's name? mode may be NULL. */
bool options_cgroup_mode_known(const char *word, enum cgroup_mode *mode);
/* --manage-cgroups of this run. */
enum cgroup_mode options_cgroup_mode(const struct options *opt);

/* [CONTROLLER:]/DIR, without "..". */
bool options_cgroup_root_valid(const char *item);
/* What --cgroup-root says of the hierarchy with these controllers ("cpu,cpuacct", "name=systemd", ""), a path that begins with a
 * slash; else what it says of all; else NULL. has: is this controller one of the hierarchy? kern_cgroup_has(). */
const char *options_cgroup_root(
	const struct options *opt, const char *name, bool (*has)(const char *name, const char *ctl));

enum {
	CGROUP_YARD_SIZE = 2 * 4096,
};
/* --cgroup-yard, which is relative to the work directory; NULL. */
const char *options_cgroup_yard(const struct options *opt, char buf[CGROUP_YARD_SIZE]);

#endif
