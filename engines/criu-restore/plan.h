/* engines/criu-restore/plan.h -- what this host can do of an image, and --plan. */
#ifndef CRIU_RESTORE_PLAN_H
#define CRIU_RESTORE_PLAN_H

#include "criu-restore/restore.h"

/* Options and namespaces: what we do not do is refused by name. */
int restore_plan_host(struct restore *r, struct img_err *err);
/* Are all pids and tids of the tree free here? */
int restore_plan_pids(struct restore *r, struct img_err *err);

/* Something is lacking. Without --plan: the failure as it is (-1). With it: noted, and 0, so that all is told
 * at once. */
int restore_plan_lack(struct restore *r, struct img_err *err);
/* What would be made, in which order, what is lacking; as text or --json. Returns -1 (IMG_UNSUPPORTED) when
 * something is lacking. */
int restore_plan_print(struct restore *r, struct img_err *err);

#endif
