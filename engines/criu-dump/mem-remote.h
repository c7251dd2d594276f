/* criu-dump/mem-remote.h -- pages to a page server (--page-server) in place of the images. */
#ifndef CRIU_DUMP_MEM_REMOTE_H
#define CRIU_DUMP_MEM_REMOTE_H

#include "criu-dump/mem.h"

struct dump_remote;

/* Step: connect, before anything is touched. Nothing without --page-server. */
int dump_remote_open(struct dump *d, struct img_err *err);
/* Does the server have a parent of this page map: 1, 0, -1. */
int dump_remote_parent(struct dump *d, enum img_kind kind, uint64_t id, struct img_err *err);
/* A whole page map: its runs, and the data of those that are present, but for pages of zeros where DUMP_RUN_KEEP is not set. Adds to
 * count. */
int dump_remote_pages(struct dump *d, enum img_kind kind, uint64_t id, const struct img_run *runs, size_t nr,
	const struct dump_source *src, struct dump_pages_count *count, struct img_err *err);
/* Pages of task vpid that were not sent since they are zero, after dump_remote_pages(): the i-th range, or NULL behind the last. The set
 * of the server does without them: the next one cannot leave them to it. */
const struct img_run *dump_remote_zeros(const struct dump *d, pid_t vpid, size_t i);
/* Step: all was sent; returns when the server has it. */
int dump_remote_finish(struct dump *d, struct img_err *err);
/* A server whose connection ends like this, before the end, drops all. */
void dump_remote_free(struct dump *d);

#endif
