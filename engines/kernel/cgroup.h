/* kernel/cgroup.h -- control groups (cgroups(7)): who is in which, and the directories of a hierarchy.
 *
 * A hierarchy is named by its controllers, as /proc/PID/cgroup has them: "cpu,cpuacct"; "name=systemd" for one without controllers;
 * "" for version 2. Paths of groups begin with a slash, and are seen from our own cgroup namespace.
 */
#ifndef ENGINES_KERNEL_CGROUP_H
#define ENGINES_KERNEL_CGROUP_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "criuimg/err.h"

struct kern_cgroup {
	const char *name, *path;
	int id; /* of the hierarchy; 0: version 2 */
};

/* A line for each hierarchy, in the order of the file. Texts point into one buffer. */
struct kern_cgroups {
	struct kern_cgroup *items;
	size_t nr, room;
	char *text;
};

#define KERN_CGROUPS_INIT { NULL, 0, 0, NULL }

/* /proc/PID/task/TID/cgroup; pid 0: our own. Free it whatever is returned. */
int kern_cgroups_read(pid_t pid, pid_t tid, struct kern_cgroups *cg, struct img_err *err);
void kern_cgroups_free(struct kern_cgroups *cg);
/* The path in a hierarchy; NULL: there is no such hierarchy. */
const char *kern_cgroups_path(const struct kern_cgroups *cg, const char *name);

/* Does a group in this path lie outside of our cgroup namespace, or has been removed? */
bool kern_cgroup_outside(const char *path);

/* Is `ctl` ("cpu", "systemd", "name=systemd") one of the controllers of the hierarchy? */
bool kern_cgroup_has(const char *name, const char *ctl);
/* "cpu,cpuacct", "systemd", "unified": how directories of mounts are called. */
const char *kern_cgroup_dir_name(const char *name);

/* The root directory of a hierarchy, to be used with openat(2). It is mounted for that where nobody sees it, and the mount is gone when
 * all descriptors are; where we may not mount, it is looked for among the mounts that there are. With a yard it is a directory
 * in that. A hierarchy of version 1 that does not exist yet comes to be. */
int kern_cgroup_open(const char *name, const char *yard, struct img_err *err);

/* A file of a group, whole, without newlines at its end: the caller frees. path: from the root of the hierarchy, its slash in front
 * is left out. NULL on failure. */
char *kern_cgroup_read(int root, const char *path, const char *file, struct img_err *err);
/* Write to such a file, in one go. */
int kern_cgroup_write(int root, const char *path, const char *file, const char *value, struct img_err *err);
/* Open one. */
int kern_cgroup_file(int root, const char *path, const char *file, int flags, struct img_err *err);
/* Path of a group as openat(2) wants it: "a/b", "." */
const char *kern_cgroup_rel(const char *path);

#endif
