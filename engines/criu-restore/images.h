/* engines/criu-restore/images.h -- the small records of a set, read whole before anything is planned. */
#ifndef CRIU_RESTORE_IMAGES_H
#define CRIU_RESTORE_IMAGES_H

#include "criu-restore/restore.h"

/* Fill inventory, tasks (with their records and threads) and fdtables. What contradicts itself is
 * IMG_CORRUPT. */
int restore_images_read(struct restore *r, struct img_err *err);
/* What the manifest asks of a reader is known here. A set without a manifest asks nothing. */
int restore_images_manifest(struct restore *r, struct img_err *err);
/* The parent is the one that the set was made on, as far as both say. */
int restore_images_parent(struct img_set *set, struct img_err *err);
/* (Re)make the index of restore_task_by_pid(). */
int restore_tasks_index(struct restore *r, struct img_err *err);
void restore_images_free(struct restore *r);

#endif
