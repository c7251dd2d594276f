/* criu-dump/mem-parent.h -- pages of the set before this one, for mem-write.c. */
#ifndef CRIU_DUMP_MEM_PARENT_H
#define CRIU_DUMP_MEM_PARENT_H

#include "criuimg/pages.h"

/* Of runs that are said to be in the set before (IMG_RUN_PARENT), what is not there becomes one to be stored. *runs, *nr: changed to
 * a list of our own, *own (the caller frees it), where need be. parent NULL: nothing is there. */
int dump_parent_runs(struct img_pages_reader *parent, const struct img_run **runs, size_t *nr, struct img_run **own,
	struct img_err *err);

/* Those of nr_pages pages from addr on that the set before has, into buf; has[i] tells which. */
int dump_parent_pages(struct img_pages_reader *parent, uint64_t addr, size_t nr_pages, char *buf, unsigned char *has,
	struct img_err *err);

#endif
