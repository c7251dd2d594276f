/* criu-dump/cut.h -- a connection that is cut when the user gives up: whoever waits for the other end then waits no longer. */
#ifndef CRIU_DUMP_CUT_H
#define CRIU_DUMP_CUT_H

#include "criu-dump/dump.h"

struct dump_cut;

/* From here on socket fd is shut down once d->front tells that the user has given up. */
struct dump_cut *dump_cut_start(struct dump *d, int fd, struct img_err *err);
/* No more; before fd is closed. NULL is fine. */
void dump_cut_stop(struct dump_cut *c);

#endif
