/* engines/criu-restore/floor.h -- keeping our descriptors out of the way of the tasks'. */
#ifndef CRIU_RESTORE_FLOOR_H
#define CRIU_RESTORE_FLOOR_H

#include "criu-restore/restore.h"

/* Occupy every number that some table of the image uses; move our own (the log, the directories) off them.
 * Front, once the fdtables are read and before anything else is opened to stay. images_dirfd is moved with
 * the others. */
int restore_floor(struct restore *r, int *images_dirfd, struct img_err *err);

#endif
