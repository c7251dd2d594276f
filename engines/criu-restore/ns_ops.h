/* engines/criu-restore/ns_ops.h -- what a room of engines/ns/ gives the spine: its restore half.
 *
 * The root of the tree is made in new namespaces where the image says so (clone3(2)), and the rooms fill them before the
 * root makes its children. Order of calls: plan and born in the front, early, prepare and make in the root task. They are
 * called in the order of rooms.c, only for kinds of which the tree has a namespace of its own. A hook may be NULL.
 */
#ifndef CRIU_RESTORE_NS_OPS_H
#define CRIU_RESTORE_NS_OPS_H

#include "criu-restore/restore.h"

struct ns_restore_ops {
	const char *name; /* the room's word: "uts" */
	int flag;	  /* CLONE_NEW*: several rooms may serve one kind */
	/* Read and check the images of namespace id. Nothing is touched. */
	int (*plan)(struct restore *r, uint32_t id, struct img_err *err);
	/* Before the root is made: what only we can do, who are in no user namespace of the tree. */
	int (*start)(struct restore *r, uint32_t id, struct img_err *err);
	/* The root exists, in its namespaces, and waits. */
	int (*born)(struct restore *r, uint32_t id, struct img_err *err);
	/* The root, before any `make`: what it can do only with the identity and the mounts of whoever restores. */
	int (*early)(struct restore *r, uint32_t id, struct img_err *err);
	/* The same process, in the new namespace, when all namespaces of the kind are there and nothing is in them: what connects one with
	 * another. A room is done with all namespaces before the next one begins. */
	int (*prepare)(struct restore *r, uint32_t id, struct img_err *err);
	/* The calling process, the root, is in the new namespace, and nobody else. */
	int (*make)(struct restore *r, uint32_t id, struct img_err *err);
};

/* THE ROOMS of engines/ns/: rooms.c */
extern const struct ns_restore_ops *const restore_ns_rooms[];
extern const size_t restore_nr_ns_rooms;

#endif
