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

struct dump_source;

/* The runs (all of them to be stored) cut into what the set before has just so (IMG_RUN_PARENT) and what is to be stored, into a list
 * of the caller's. Pages are read for it; none are looked at that parent lacks. */
int dump_parent_compare(struct img_pages_reader *parent, const struct dump_source *src, const struct img_run *runs, size_t nr,
	struct img_run **own, size_t *nr_own, struct img_err *err);

#endif
