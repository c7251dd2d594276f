/* criu-dump/mounts.h -- the mount namespaces of the tree: what is mounted in them, and where a path leads.
 *
 * What /proc tells of a file in another mount namespace is a path from that namespace's root. So all who look whether a path
 * leads to a file go through here. Where the tasks live in our own mount namespace nothing of this is read, and paths are
 * ours.
 */
#ifndef CRIU_DUMP_MOUNTS_H
#define CRIU_DUMP_MOUNTS_H

#include <sys/stat.h>

#include "criu-dump/dump.h"
#include "kernel/mountinfo.h"

struct dump_namespace;

struct dump_mntns {
	const struct dump_namespace *ns;
	struct kern_mounts mounts;
	int root_fd; /* O_PATH */
};

/* The mount namespace of a file: that of its mount (mnt_id, -1: not known), else of the task (NULL: the root of the tree).
 * *out is NULL where that is our own. */
int dump_mntns_of(struct dump *d, const struct dump_task *t, int mnt_id, struct dump_mntns **out, struct img_err *err);
/* What a record says of a file's mount, m from dump_mntns_of(): -1 for a mount of other namespaces than those in the set, which a
 * descriptor was taken along from; its path leads to the file from the task's root, too. */
int dump_mnt_recorded(const struct dump_mntns *m, int mnt_id);
/* The same of a namespace that is not ours. NULL on failure. */
struct dump_mntns *dump_mntns_get(struct dump *d, const struct dump_namespace *ns, struct img_err *err);

/* Those of our own namespace. NULL on failure. */
const struct kern_mounts *dump_own_mounts(struct dump *d, struct img_err *err);

/* lstat(2) of a path there. -1 with errno. */
int dump_path_stat(const struct dump_mntns *m, const char *path, struct stat *st);
/* open(2) of a path there. -1 with errno. */
int dump_path_open(const struct dump_mntns *m, const char *path, int flags);

/* The id of the mount that an open file is on, -1: the kernel does not say. */
int dump_mnt_id(int fd);

void dump_mounts_free(struct dump *d);

#endif
