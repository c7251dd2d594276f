/* engines/criu-restore/map.h -- the mappings of a task, from the list that mem made to steps of the blob. */
#ifndef CRIU_RESTORE_MAP_H
#define CRIU_RESTORE_MAP_H

#include "criu-restore/restore.h"
#include "criu-restore/tape.h"

void restore_map_tape(const struct restore_task *t, struct restore_tape *tape);

#endif
