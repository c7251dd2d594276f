/* criu-dump/ns_ops.h -- namespaces of the tree, and what a room of engines/ns/ does for a dump.
 *
 * namespaces.c finds out who lives where and gives the namespaces their numbers. A room serves one kind; it is called once for
 * each namespace of that kind that is not the one we live in ourselves.
 */
#ifndef CRIU_DUMP_NS_OPS_H
#define CRIU_DUMP_NS_OPS_H

#include <sys/types.h>

#include "criu-dump/dump.h"

struct dump_namespace {
	int flag;		/* CLONE_NEW* */
	uint32_t id;		/* in the set */
	dev_t dev;		/* these two: stat(2) of the link below /proc/PID/ns */
	ino_t ino;
	struct dump_task *task; /* the first one that lives in it */
	const char *ext_key;	/* --external names it: not part of the images; NULL */
	struct dump_ns_texts *texts; /* what the room netfilter has read before the network was locked; NULL */
};

struct ns_dump_ops {
	const char *name; /* the room's word: "uts" */
	int flag;	  /* CLONE_NEW*: several rooms may serve one kind */
	bool external;	  /* it is called for external ones too, to say that they are: ns->ext_key */
	bool inside;	  /* its hooks are called inside the namespace (uts, ipc, net) */
	/* Name what cannot be carried, with dump_block(). */
	int (*check)(struct dump *d, const struct dump_namespace *ns, struct img_err *err);
	/* Read what has to be read before the network is locked. Not called where it is never locked. */
	int (*unlocked)(struct dump *d, struct dump_namespace *ns, struct img_err *err);
	/* Write its images. */
	int (*dump)(struct dump *d, const struct dump_namespace *ns, struct img_err *err);
};

/* Ids as images have them: those of the tree's own user namespace, if it has one; what we see of files and tasks are ours. An id
 * that is not mapped becomes that of nobody. */
uint32_t dump_uid(const struct dump *d, uint32_t uid);
uint32_t dump_gid(const struct dump *d, uint32_t gid);
struct kern_idmap;
void dump_ns_idmaps(const struct dump *d, const struct kern_idmap **uids, const struct kern_idmap **gids);

/* THE ROOMS of engines/ns/: rooms.c; NULL at the end. */
extern const struct ns_dump_ops *const dump_ns_rooms[];

/* The namespace of a kind that a task lives in; NULL: the one that we live in. */
const struct dump_namespace *dump_ns_of(const struct dump *d, const struct dump_task *t, int flag);
/* The namespace behind a number; NULL: there is none (or it is ours). */
const struct dump_namespace *dump_ns_by_id(const struct dump *d, uint32_t id);
/* The n-th namespace of a kind, from 0; NULL: there are no more. */
const struct dump_namespace *dump_ns_nth(const struct dump *d, int flag, size_t n);
/* The namespace of this inode (below /proc/PID/ns): its number, that of ours included; 0: nobody of the tree lives there. */
uint32_t dump_ns_number(const struct dump *d, int flag, ino_t ino);

/* Go into a task's namespace of this kind, which is neither mnt, pid nor user, and back. *own is the way back. The calling
 * thread alone: what it opens meanwhile (sockets, /proc/sys) is of that namespace. A no-op where it is ours. */
int dump_ns_enter(struct dump *d, const struct dump_task *t, int flag, int *own, struct img_err *err);
int dump_ns_leave(int flag, int *own, struct img_err *err);
/* Call fn in each namespace of this kind that some task lives in, ours included. */
int dump_ns_each(struct dump *d, int flag, int (*fn)(void *arg, struct img_err *err), void *arg, struct img_err *err);

#endif
