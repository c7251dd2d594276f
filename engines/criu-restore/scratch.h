/* engines/criu-restore/scratch.h -- addresses and memory of the run; the interface for rooms is in
 * restore.h. */
#ifndef CRIU_RESTORE_SCRATCH_H
#define CRIU_RESTORE_SCRATCH_H

#include "criu-restore/restore.h"

/* Find addresses that neither criu-restore nor any task of the image uses. Plan, once all mm records are
 * read. Refuses (IMG_UNSUPPORTED) when the tasks together leave no gap. */
int restore_scratch_find(struct restore *r, struct img_err *err);

#endif
