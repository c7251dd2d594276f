/* criu-restore/mnt-own.h -- the plan of a mount namespace: what the files of engines/ns/mnt/ share, the restore half. */
#ifndef CRIU_RESTORE_MNT_OWN_H
#define CRIU_RESTORE_MNT_OWN_H

#include "criu-restore/restore.h"
#include "mnt.pb-c.h"

/* A file system: all mounts with the same device. */
struct mnt_sb {
	uint32_t dev;
	const MntEntry *entry; /* a mount that says how it is mounted: the one with the widest root */
	bool from_root;	       /* it is that of the root of the tasks: --root */
	int fd;		       /* where it is mounted, in the yard; -1 */
};

struct mnt_mount {
	MntEntry *entry;
	struct mnt_mount *parent; /* NULL: the root */
	struct mnt_sb *sb;
	uint32_t ns; /* the number of its namespace */
	const char *external; /* a path outside that it comes from; NULL */
	int source;	      /* that, opened; -1 */
	int fd;		      /* the mount; -1 */
	bool placed;
};

/* All mount namespaces of the tree, in one: mounts may be in the same peer group wherever they are. */
struct mnt_plan {
	struct mnt_mount *mounts; /* as in the images, namespace by namespace */
	size_t nr, room;
	struct mnt_mount **roots; /* of each namespace, that of the tree's root first */
	size_t nr_ns;
	struct mnt_mount *root; /* roots[0] */
	struct mnt_sb *sbs;
	size_t nr_sbs;
	int yard; /* a directory that only we know */
};

/* Is it an external mount that receives from one of the host? Then it stays what a clone of that is. */
bool mnt_keeps_master(const struct mnt_plan *p, const struct mnt_mount *m);
/* Peer groups and masters, when all mounts are in place (propagation-restore.c). */
int mnt_propagate(struct restore *r, struct mnt_plan *p, struct img_err *err);
/* What is in file system sb, which has just been mounted: content-restore.c. */
int mnt_fill(struct restore *r, const struct mnt_sb *sb, struct img_err *err);
/* A directory or file of the yard to mount on: like what is mounted. */
int mnt_yard_place(struct mnt_plan *p, const char *name, bool dir, struct img_err *err);

#endif
