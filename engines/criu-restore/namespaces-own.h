/* engines/criu-restore/namespaces-own.h -- what is known of the namespaces of a tree: for namespaces.c and ns-*.c. */
#ifndef CRIU_RESTORE_NAMESPACES_OWN_H
#define CRIU_RESTORE_NAMESPACES_OWN_H

#include "criu-restore/namespaces.h"
#include "kernel/idmap.h"

/* A namespace that the root does not live in, made by it for others. */
struct more_ns {
	int flag;
	uint32_t id;
	bool root;    /* it is the root's own: for those whose parents live in another one */
	uint32_t *fd; /* shared: its number in the table of the root, and of all that inherit from it */
	int here;     /* in the front; -1 */
};

/* A mount namespace, by its root directory: in the root's table as above. */
struct mnt_root {
	uint32_t id;
	uint32_t *fd;
};

struct restore_namespaces {
	unsigned new;	 /* CLONE_NEW*: of which kinds the tree has one of its own */
	unsigned joined; /* of which it is put into one that is there: not made, and not filled */
	struct more_ns *more;
	size_t nr_more, room_more;
	struct mnt_root *roots;
	size_t nr_roots, room_roots;
	struct restore_mount *mnts; /* by mnt_id, ascending */
	size_t nr_mnts;
	struct mnt_plan *mnt_plan;
	int *mnt_sources; /* see mnt_start() of engines/ns/mnt/mnt-restore.c */
	struct kern_idmap uids, gids; /* of the user namespace, if there is one */
	uint32_t front_in; /* the mount namespace that the front is in at the moment; 0: its own */
	int proc;	/* /proc of the front's pid namespace */
	int root_pidfd; /* of the root, once it is born; -1 */
	int mnt;	/* its mount namespace, when that is a new one; -1 */
};

/* The namespace of this kind (CLONE_NEW*) with this number, if it is one of r->ns->more; NULL. */
struct more_ns *restore_ns_find_more(const struct restore *r, int flag, uint32_t id);

#endif
