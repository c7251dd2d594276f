/* criu-restore/plugins.h -- plugins at a restore (plugin/criu-plugin.h). */
#ifndef CRIU_RESTORE_PLUGINS_H
#define CRIU_RESTORE_PLUGINS_H

#include "criu-restore/restore.h"

/* The inventory is read. Refuses when one that took part in the dump is not there. */
int restore_plugins_load(struct restore *r, struct img_err *err);
/* Hooks RESTORE_INIT; POST_FORKING, when all processes are made; RESUME_DEVICES_LATE, of each, before it runs. */
int restore_plugins_init(struct restore *r, struct img_err *err);
int restore_plugins_forked(struct restore *r, struct img_err *err);
int restore_plugins_resume(struct restore *r, struct img_err *err);
/* ret 0: it worked. */
void restore_plugins_end(struct restore *r, int ret);

#endif
