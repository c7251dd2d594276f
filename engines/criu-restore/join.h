/* engines/criu-restore/join.h -- namespaces that are there already and that the tree is put into: --join-ns, and external ones of which
 * --inherit-fd hands over a descriptor. */
#ifndef CRIU_RESTORE_JOIN_H
#define CRIU_RESTORE_JOIN_H

#include "criu-restore/restore.h"

/* Which kinds (CLONE_NEW*), and their descriptors, opened by the front. root_ids: the namespaces of the root. */
int restore_join_plan(struct restore *r, unsigned *kinds, struct img_err *err);
/* Front: the descriptor of that kind; -1: the tree does not join one. */
int restore_join_fd(const struct restore *r, int flag);
/* Front, around the making of the root: children of ours are born in the pid namespace that is joined. */
int restore_join_pid(struct restore *r, struct img_err *err);
int restore_join_pid_leave(struct restore *r, struct img_err *err);
/* Root, first of all: into the others. */
int restore_join_enter(struct restore *r, struct img_err *err);
/* --empty-ns: a namespace of this kind is made and left to scripts. */
bool restore_ns_left_empty(const struct restore *r, int flag);

#endif
