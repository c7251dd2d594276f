/* criu-restore/ghost-own.h -- the plan of files that have no name: for the files of engines/fd/ghost/, the restore half. */
#ifndef CRIU_RESTORE_GHOST_OWN_H
#define CRIU_RESTORE_GHOST_OWN_H

#include <string.h>

#include "criu-restore/files-own.h"

struct ghost {
	uint32_t id;
	GhostFileEntry *rec;
	const char *name; /* of the first file that is this ghost */
	int mnt_id;	  /* of that file; -1: not known */
	char *path;	  /* where it lies meanwhile */
	bool in_place;	  /* under its own name, if that is free: see place_watched() */
	bool made;
};

struct remap {
	uint32_t orig_id;
	uint32_t ghost;	    /* id; 0: a link */
	int mnt_id;	    /* of the file; -1: not known */
	const char *linked; /* a name that the dump made for it, of a record of files.img */
	int linked_mnt_id;  /* of that */
};

/* A name that is made for the time being. */
struct made_name {
	const char *path;
	int mnt_id; /* by which mount it is reached */
	bool dir;
};

struct restore_ghosts {
	struct remap *remaps; /* by orig_id, ascending */
	size_t nr_remaps, remaps_room;
	struct ghost *ghosts; /* by id, ascending */
	size_t nr_ghosts, ghosts_room;
	struct made_name *names; /* made besides, in this order: directories on the way, other names */
	size_t nr_names, names_room;
	uint32_t *lock; /* shared: 1 while somebody plays with a name */
	struct restore_dead dead;
};

/* The plan's ghost with this id; NULL. */
struct ghost *ghost_find(const struct restore_ghosts *g, uint32_t id);

/* "/a/b/" of "/a/b/c": its length. */
static inline size_t ghost_parent_len(const char *path)
{
	return (size_t)(strrchr(path, '/') - path) + 1;
}

/* Open the directory of path. root: of the mount namespace it is in, -1: ours. */
int ghost_place(int root, const char *path, struct ghost_place *p, struct img_err *err);

#endif
