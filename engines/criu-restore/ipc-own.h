/* criu-restore/ipc-own.h -- what the files of engines/ns/ipc/ call of each other: the restore half. */
#ifndef CRIU_RESTORE_IPC_OWN_H
#define CRIU_RESTORE_IPC_OWN_H

#include "criu-restore/restore.h"
#include "criuimg/kind.h"

/* Make the objects of one image of namespace id, which is that of the calling process. */
int ipc_make_objects(struct restore *r, enum img_kind kind, uint32_t id, struct img_err *err);

#endif
