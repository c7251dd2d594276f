/* kinds/pagemap.h -- what an entry of a page map says, in its old and new forms. */
#ifndef IMAGEFMT_KINDS_PAGEMAP_H
#define IMAGEFMT_KINDS_PAGEMAP_H

#include "criuimg/err.h"
#include "criuimg/pages.h"

#include "pagemap.pb-c.h"

/* The run of an entry, data_off left 0. `floor` is where the run before ended: runs ascend. Fails IMG_CORRUPT when the
 * run is not whole pages, overlaps, or reaches beyond 64 bits. */
int img_pagemap_run(const PagemapEntry *entry, uint64_t floor, struct img_run *run, struct img_err *err);

#endif
