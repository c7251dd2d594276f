/* kernel/mountinfo.h -- the mounts of a mount namespace, as /proc/PID/mountinfo lists them (proc(5)). */
#ifndef ENGINES_KERNEL_MOUNTINFO_H
#define ENGINES_KERNEL_MOUNTINFO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "criuimg/err.h"

/* A line. Texts point into one buffer of the list; blanks and their like are no longer escaped. */
struct kern_mount {
	int id, parent;
	unsigned major, minor;
	const char *root;	/* of the mount within its file system; "//deleted" is cut off, see below */
	const char *mountpoint; /* from the root of the process whose mountinfo it is */
	const char *options;	/* of the mount: "rw,nosuid" */
	int shared, master;	/* peer groups, 0: none */
	bool unbindable;
	bool deleted; /* the root is a directory or file that has been removed */
	const char *fstype;
	const char *source;
	const char *sb_options; /* of the file system: "rw,size=4k" */
};

struct kern_mounts {
	struct kern_mount *items; /* in the order of the file: parents may come after children */
	size_t nr, room;
	char *text;
};

#define KERN_MOUNTS_INIT { NULL, 0, 0, NULL }

/* /proc/PID/mountinfo; pid 0: our own. Lines that cannot be read are IMG_SYS. Free it whatever is returned. */
int kern_mounts_read(int pid, struct kern_mounts *mounts, struct img_err *err);
/* The same of a file that looks like it. */
int kern_mounts_read_file(const char *path, struct kern_mounts *mounts, struct img_err *err);
void kern_mounts_free(struct kern_mounts *mounts);

/* The mount with this id, NULL when there is none. */
const struct kern_mount *kern_mount_find(const struct kern_mounts *mounts, int id);

/* What follows of path behind prefix: "b" of "/a/b" and "/a", "" of equal ones; NULL when path is not below prefix. Both begin
 * with a slash. */
const char *kern_path_below(const char *path, const char *prefix);

#endif
