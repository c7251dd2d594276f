/* criu-dump/mem-lazy.h -- pages that are served from the stopped tasks (--lazy-pages). */
#ifndef CRIU_DUMP_MEM_LAZY_H
#define CRIU_DUMP_MEM_LAZY_H

#include "criu-dump/mem.h"

struct dump_lazy;

/* Step: listen, before anything is touched. Nothing without --lazy-pages. */
int dump_lazy_open(struct dump *d, struct img_err *err);
/* Step: the images are whole; serve one client until it has all. */
int dump_lazy_serve(struct dump *d, struct img_err *err);
void dump_lazy_free(struct dump *d);

/* len bytes (multiples of a page) of the memory of t at addr, of mappings whose pages are stored (engines/mem/pages). */
int dump_memory_read(
	struct dump *d, struct dump_task *t, uint64_t addr, char *buf, size_t len, struct img_err *err);

#endif
