/* read/pagemap.h -- a whole page map in memory. */
#ifndef IMAGEFMT_READ_PAGEMAP_H
#define IMAGEFMT_READ_PAGEMAP_H

#include "criuimg/pages.h"

struct img_pagemap {
	uint32_t pages_id;
	uint32_t flags;	  /* of all runs together */
	uint64_t present; /* how far the page data reaches that the runs claim, in bytes */
	uint64_t next;	  /* behind the data of the last run, while it is loaded */
	bool shared;	  /* the data of runs does not lie in their order: some of it is of several */
	struct img_run *runs;
	size_t nr, room;
};

static inline uint64_t img_run_end(const struct img_run *run)
{
	return run->addr + run->nr_pages * IMG_PAGE;
}

/* 1, 0 when the set has none, -1. */
int img_pagemap_load(
	struct img_set *set, enum img_kind kind, uint64_t id, struct img_pagemap *map, struct img_err *err);
void img_pagemap_free(struct img_pagemap *map);

#endif
