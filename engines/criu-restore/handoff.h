/* engines/criu-restore/handoff.h -- from the host part of a task to its blob. */
#ifndef CRIU_RESTORE_HANDOFF_H
#define CRIU_RESTORE_HANDOFF_H

#include "criu-restore/restore.h"

/* Map the blob, at an address that all tasks inherit. Front, before the first task. */
int restore_blob_map(struct restore *r, struct img_err *err);
/* Write the tapes of all threads and enter the blob. Returns only on failure. */
void restore_handoff(struct restore *r, struct restore_task *t, struct img_err *err);

#endif
