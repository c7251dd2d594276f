/* criu-dump/ipc-own.h -- what the files of engines/ns/ipc/ call of each other: the dump half. All of it inside the namespace. */
#ifndef CRIU_DUMP_IPC_OWN_H
#define CRIU_DUMP_IPC_OWN_H

#include "criu-dump/ns_ops.h"

struct ipc_perm;

/* Key, owners, permissions. */
void ipc_desc(const struct dump *d, const struct ipc_perm *perm, uint32_t id, void *desc);

int ipc_dump_sems(struct dump *d, const struct dump_namespace *ns, struct img_err *err);
int ipc_dump_queues(struct dump *d, const struct dump_namespace *ns, struct img_err *err);
int ipc_check_segments(struct dump *d, const struct dump_namespace *ns, struct img_err *err);
int ipc_dump_segments(struct dump *d, const struct dump_namespace *ns, struct img_err *err);

#endif
