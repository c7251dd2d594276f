/* engines/criu-restore/namespaces.h -- the namespaces of a tree: which are new, and the moments in which they come to be. */
#ifndef CRIU_RESTORE_NAMESPACES_H
#define CRIU_RESTORE_NAMESPACES_H

#include "criu-restore/restore.h"
#include "criu-restore/steps.h"

/* What of the host the root does without: a kind that the tree has a namespace of its own of. flag: CLONE_NEW*. */
bool restore_ns_new(const struct restore *r, int flag);
/* The number of the root's namespace of this kind in the set; 0: the image does not say. */
uint32_t restore_ns_id(const struct restore *r, int flag);

/* Front: who lives in which, and can that be made here. Sets the root's clone_flags. */
int restore_ns_plan(struct restore *r, struct img_err *err);
/* Front, before the first task: images are there for tasks in a user namespace of their own, whoever owns their directory (ns-images.c). */
int restore_ns_images(struct restore *r, struct img_err *err);
/* Front: the root is about to be made. */
int restore_ns_start(struct restore *r, struct img_err *err);
/* Front: the root exists and waits. */
int restore_ns_born(struct restore *r, struct img_err *err);
/* Root: fill them. */
int restore_ns_make(struct restore *r, struct img_err *err);
/* Front: they are there; MOMENT_NAMESPACES is run. */
int restore_ns_made(struct restore *r, struct img_err *err);
/* Front: the steps of a moment, as restore_steps_whole(), where the tree's files are: in its mount namespace. */
int restore_ns_whole(struct restore *r, enum restore_moment moment, struct img_err *err);

/* A task: into those of its own, where they are not the ones it was born in. */
int restore_ns_enter(struct restore *r, struct restore_task *t, struct img_err *err);
void restore_ns_free(struct restore *r);

/* ---- for the rooms of engines/ns/ ---- */

/* The namespaces of a kind, the root's first (n is 0); 0 at the end. */
uint32_t restore_ns_nth(const struct restore *r, int flag, size_t n);
/* The caller's own namespace, opened. */
int restore_ns_open_own(struct restore *r, int flag, struct img_err *err);
/* Root: fd is namespace id, which it does not live in: kept for those who will. */
void restore_ns_keep(struct restore *r, int flag, uint32_t id, int fd);
/* Root: the descriptor of namespace id, where the tree has several of the kind; -1: it has not. Borrowed. */
int restore_ns_fd(const struct restore *r, int flag, uint32_t id);
/* What the room mnt remembers between its hooks. */
struct mnt_plan;
struct mnt_plan **restore_ns_mnt_plan(struct restore *r);
int **restore_ns_mnt_sources(struct restore *r);
/* A mount of the images. */
struct restore_mount {
	uint32_t mnt_id, ns, dev;
	const char *root, *mountpoint; /* of the arena */
};
/* Plan: all mounts of all namespaces; allocated, r's from now on. */
void restore_ns_mounts(struct restore *r, struct restore_mount *mounts, size_t nr);
/* Plan: there is such a namespace. Root: its root directory, kept. */
int restore_ns_root_slot(struct restore *r, uint32_t id, struct img_err *err);
void restore_ns_keep_root(struct restore *r, uint32_t id, int fd);

/* Plan: the maps of the tree's user namespace. */
struct UsernsEntry;
int restore_ns_idmaps(struct restore *r, const struct UsernsEntry *e, struct img_err *err);
struct kern_idmap;
void restore_ns_get_idmaps(const struct restore *r, const struct kern_idmap **uids, const struct kern_idmap **gids);

/* Ids of the images as the front has to say them: it is not in the tree's user namespace. */
uint32_t restore_front_uid(const struct restore *r, uint32_t uid);
uint32_t restore_front_gid(const struct restore *r, uint32_t gid);

/* ---- for whoever opens files ---- */

/* Is there a namespace of this kind (CLONE_NEW*) with this number: one of the tree's, or one that it shares with us? */
int restore_ns_known(const struct restore *r, int flag, uint32_t id, struct img_err *err);
/* Its file of /proc/PID/ns, opened; in a task, when all of the tree exists. */
int restore_ns_open(struct restore *r, int flag, uint32_t id, struct img_err *err);
/* The root directory for a file on mount mnt_id (of the images; -1: not known), when that is in another mount namespace than
 * the task: to be used with kern_open_in_root(). -1: "/" will do. */
int restore_ns_root_for(const struct restore *r, const struct restore_task *t, int mnt_id);
/* Where mount mnt_id of the images is mounted; NULL: it is not known. */
const char *restore_ns_mountpoint(const struct restore *r, int mnt_id);
/* A mount that shows both the file at path a of mount mnt_a and the one at path b of mnt_b: its id, with the paths there in via_a and via_b,
 * PATH_MAX bytes each. -1: none. */
int restore_ns_common(const struct restore *r, int mnt_a, const char *a, int mnt_b, const char *b, char *via_a, char *via_b);
/* Front, in restore_ns_whole(): go where mount mnt_id is. */
int restore_ns_switch(struct restore *r, int mnt_id, struct img_err *err);

/* Each task, first of all: tell the front which pid it has for it. */
int restore_ns_here(struct restore *r, struct restore_task *t, struct img_err *err);
/* Front: the same for the threads, which are all there. */
int restore_threads_here(struct restore *r, struct img_err *err);

#endif
