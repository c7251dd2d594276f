/* engines/criu-restore/cgroups.h -- control groups of the tree: for the spine, and for the files of engines/ns/cgroup/.
 *
 * The plan is a flat list of groups, parents in front of children, and one of files to be written; both are made before the first
 * process is, so the guard has them too. What was done is noted in shared memory: whoever undoes it, the front or the guard, knows.
 */
#ifndef CRIU_RESTORE_CGROUPS_H
#define CRIU_RESTORE_CGROUPS_H

#include <sys/stat.h>

#include "cgroup.pb-c.h"
#include "criu-restore/restore.h"
#include "kernel/cgroup.h"

struct cg_hier {
	const char *name; /* as struct kern_cgroup */
	bool v2;
	bool late;	   /* tasks are moved when they are whole: it would keep them from becoming so */
	int root;	   /* its directory */
	const char *given; /* --cgroup-root, or NULL */
	const char *own;   /* where we are */
	const CgControllerEntry *e;
};

struct cg_dir {
	struct cg_hier *h;
	const char *path;
	const CgroupDirEntry *e; /* NULL: it is on the way to one of the image */
	bool there;		 /* was, when the plan was made */
	bool props;		 /* gets those of the image */
	struct stat old;	 /* there */
};

/* When a file is written. */
enum cg_when {
	CG_EARLY,   /* before groups are made below it, and tasks come */
	CG_CONTROL, /* when cgroup namespaces have their roots: no task is in a group that hands controllers down */
	CG_LATE,    /* when all tasks are whole */
	CG_LAST,    /* when they run */
};

struct cg_prop {
	struct cg_dir *dir;
	const char *name, *value;
	const CgroupPerms *perms; /* or NULL */
	const char *old;	  /* what it said, where the group was there; NULL */
	struct stat old_stat;	  /* if old */
	enum cg_when when;
};

/* A file that a task writes to, to move into a group. */
struct cg_place {
	struct cg_hier *h;
	const char *path;
	int fd;
};

struct cg_place_set {
	uint32_t id;
	const char **paths; /* by hierarchy: NULL: where we are */
	const char **roots; /* of the cgroup namespace of who is in it */
};

struct restore_cgroups {
	CgroupEntry *image;
	struct cg_hier *hiers;
	size_t nr_hiers;
	struct cg_dir *dirs;
	size_t nr_dirs, room_dirs;
	struct cg_prop *props;
	size_t nr_props, room_props;
	struct cg_place_set *sets;
	size_t nr_sets;
	struct cg_place *places;
	size_t nr_places, room_places;
	bool namespaces; /* some task has a cgroup namespace of its own */
	/* Shared: a byte for each, set when it is done. */
	uint8_t *dirs_made, *props_written, *dir_modes, *prop_modes;
};

/* ---- moments (steps.c, run.c, tree.c) ---- */

int restore_cgroups_plan(struct restore *r, struct img_err *err);
int restore_cgroups_make(struct restore *r, struct img_err *err);
/* Front: the cgroup namespaces are there. */
int restore_cgroups_control(struct restore *r, struct img_err *err);
/* Front: all tasks are held. */
int restore_cgroups_settle(struct restore *r, struct img_err *err);
/* Front: they run. */
int restore_cgroups_last(struct restore *r, struct img_err *err);
/* Front or guard: no process of the tree is left. */
int restore_cgroups_undo(struct restore *r, struct img_err *err);
/* A task, the calling process: into its groups. */
int restore_cgroups_enter(struct restore *r, struct restore_task *t, struct img_err *err);
/* Has the root to go elsewhere first? */
bool restore_cgroups_stray(const struct restore *r);
/* Root, the calling process: where the root of cgroup namespace id is to be. */
int restore_cgroups_at_root(struct restore *r, uint32_t id, struct img_err *err);
/* A group as mounts of the images show it, as it is to be mounted here. options: those of the mount ("rw,pids"), NULL for version 2.
 * Lives as long as the run; NULL without memory. */
const char *restore_cgroups_inside(struct restore *r, const char *options, const char *path);
void restore_cgroups_free(struct restore *r);

/* ---- between the files of the room ---- */

/* plan-restore.c: the set of a thread, NULL: where we are. */
const struct cg_place_set *cg_set_of(const struct restore *r, const struct restore_thread *th);
/* plan-restore.c: one more file to be written. NULL on failure. */
struct cg_prop *cg_add_prop(
	struct restore *r, struct cg_dir *dir, const char *name, const char *value, const CgroupPerms *perms, struct img_err *err);
/* thaw-restore.c: groups that tasks come into and that are frozen, which they may be if nobody is in them. */
int cg_plan_thaw(struct restore *r, struct img_err *err);
/* The same file: where p froze a group, it is seen to for a while that all in it are. */
int cg_freeze_whole(const struct cg_prop *p, struct img_err *err);
/* paths-restore.c, in the arena of the run; NULL without memory: name below dir; a path of the image, as it is to be here; the root of the
 * cgroup namespace of who is there, which is so many bytes of that path. */
char *cg_join_path(struct restore *r, const char *dir, const char *name);
const char *cg_path_here(struct restore *r, const struct cg_hier *h, const char *path);
const char *cg_root_here(struct restore *r, const struct cg_hier *h, const char *path, size_t prefix);
/* Without "." and "..", and short enough; a name without a slash. */
bool cg_clean_path(const char *path);
bool cg_clean_name(const char *name);
/* move-restore.c: remember all files that tasks will write to; open them. */
int cg_places_plan(struct restore *r, struct img_err *err);
int cg_places_open(struct restore *r, struct img_err *err);
/* values-restore.c: make a file say this, in the way that it wants to be told; 1: it says so already. */
int cg_value_set(int root, const char *path, const char *name, const char *value, struct img_err *err);
/* Says nothing that would be missed where there is no such file. */
bool cg_value_is_nothing(const char *name, const char *value);

#endif
