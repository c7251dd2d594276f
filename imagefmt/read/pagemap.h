/* read/pagemap.h -- a whole page map in memory. */
#ifndef IMAGEFMT_READ_PAGEMAP_H
#define IMAGEFMT_READ_PAGEMAP_H

#include "criuimg/pages.h"

struct img_pagemap {
	uint32_t pages_id;
	uint32_t flags;	  /* of all runs together */
	uint64_t present; /* bytes of page data that the runs claim */
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
