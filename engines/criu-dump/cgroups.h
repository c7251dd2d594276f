/* criu-dump/cgroups.h -- control groups of the tree: what the spine and the files of engines/ns/cgroup/ call of each other. */
#ifndef CRIU_DUMP_CGROUPS_H
#define CRIU_DUMP_CGROUPS_H

#include "cgroup.pb-c.h"
#include "criu-dump/dump.h"
#include "kernel/cgroup.h"

/* A line of /proc/PID/cgroup. */
struct cg_member {
	const char *name, *path; /* as struct kern_cgroup */
	uint32_t prefix;	 /* bytes of path that lie above the root of the task's cgroup namespace */
	int id;			 /* of the hierarchy */
};

/* Groups of all hierarchies that at least one thread is in. */
struct cg_set {
	uint32_t id;
	struct cg_member *members; /* by name */
	size_t nr;
	bool used; /* by a thread of the tree */
};

/* The set of criu-dump itself: what a thread is in that has none of its own. */
#define CG_OWN_SET 1

/* Which files of a group are carried. */
struct cg_props {
	const char *ctl; /* a controller */
	const char **names;
	size_t nr, room;
};

struct dump_cgroups {
	struct cg_set *sets; /* the first is our own */
	size_t nr, room;
	struct cg_props *props;
	size_t nr_props, room_props;
	struct img_arena *arena;
};

/* ---- sets-dump.c ---- */

/* Step: what there is to know before any task is looked at. */
int dump_cgroups_begin(struct dump *d, struct img_err *err);
void dump_cgroups_free(struct dump *d);

/* ---- props-dump.c ---- */

/* What is known of each controller, and what the options say. */
int cg_props_init(struct dump *d, struct dump_cgroups *cg, struct img_err *err);
/* The properties of a group, in the arena of the run. m: whose hierarchy; path: the group. freezer: what it says of being frozen;
 * NULL: as it is. */
int cg_props_read(struct dump *d, const struct cg_member *m, int root, const char *path, CgroupDirEntry *dir, struct img_err *err);

/* ---- spec-dump.c ---- */

/* --cgroup-props: text is the specification, what its name for messages. */
int cg_spec_read(struct dump_cgroups *cg, const char *text, const char *what, struct img_err *err);
struct cg_props *cg_props_of(struct dump_cgroups *cg, const char *ctl, size_t len, struct img_err *err);
int cg_props_add(struct dump_cgroups *cg, struct cg_props *p, const char *name, size_t len, struct img_err *err);

/* ---- trees-dump.c ---- */

/* All hierarchies, with the groups that threads of the tree are in and those below. */
int cg_trees_read(struct dump *d, CgroupEntry *e, struct img_err *err);

#endif
