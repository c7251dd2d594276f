/* engines/criu-restore/net-lock.h -- no packet comes in or goes out of the tree's own network namespace while it is restored. */
#ifndef CRIU_RESTORE_NET_LOCK_H
#define CRIU_RESTORE_NET_LOCK_H

#include "criu-restore/restore.h"

/* Front, when the root exists and before its namespace has any device. */
int restore_netns_lock(struct restore *r, struct img_err *err);
/* Front, when all is there. A namespace that the tree is put into may have been locked by the dump. */
int restore_netns_unlock(struct restore *r, struct img_err *err);
/* Front, after a failure: a namespace of others is locked again, as it was. */
int restore_netns_undo(struct restore *r, struct img_err *err);

#endif
