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

/* ---- plan-restore.c ---- */

/* The records of all mount namespaces, checked; nothing is opened. *p can be freed after a failure too. */
int mnt_plan_read(struct restore *r, struct mnt_plan *p, struct img_err *err);
/* Closes what is open in it as well. */
void mnt_plan_free(struct mnt_plan *p);
/* What a mount of the root's file system, or of an external one, is below the part that we are given. NULL, and *given NULL: it is
 * of a file system that we mount. */
const char *mnt_part_of(const struct mnt_plan *p, const struct mnt_mount *m, const struct mnt_mount **given);

/* ---- propagation-restore.c ---- */

/* Is it an external mount that receives from one of the host? Then it stays what a clone of that is. */
bool mnt_keeps_master(const struct mnt_plan *p, const struct mnt_mount *m);
/* Peer groups and masters, when all mounts are in place. */
int mnt_propagate(struct restore *r, struct mnt_plan *p, struct img_err *err);

/* ---- content-restore.c ---- */

/* What is in file system sb, which has just been mounted. */
int mnt_fill(struct restore *r, const struct mnt_sb *sb, struct img_err *err);

/* ---- binfmt-restore.c ---- */

/* The formats of a binfmt_misc. */
int mnt_fill_binfmt(struct restore *r, const struct mnt_sb *sb, struct img_err *err);

/* ---- root-restore.c ---- */

/* The other namespaces of the plan, then the root of this one. All mounts are where they belong; the yard and the old root go. */
int mnt_make_namespaces(struct restore *r, struct mnt_plan *p, struct img_err *err);

/* ---- mnt-restore.c: the yard ---- */

/* The name of the place of m there. */
void mnt_yard_name(const struct mnt_mount *m, char name[32]);
/* A directory or file of the yard to mount on: like what is mounted. */
int mnt_yard_place(struct mnt_plan *p, const char *name, bool dir, struct img_err *err);

#endif
