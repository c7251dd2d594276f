/* kinds/pagemap.c -- pagemap-PID.img, pagemap-shmem-ID.img: runs of pages, ascending. */

#include "kinds/pagemap.h"

#include "kinds/ops.h"

/* The end of the run before. */
#define FLOOR mine[0]

int img_pagemap_run(const PagemapEntry *entry, uint64_t floor, struct img_run *run, struct img_err *err)
{
	uint64_t nr = entry->has_nr_pages ? entry->nr_pages : entry->compat_nr_pages;
	uint32_t flags = entry->flags;

	/* Writers before `flags` said in_parent or, by its absence, that the data is here. */
	if (entry->has_in_parent && entry->in_parent)
		flags |= IMG_RUN_PARENT;
	else if (!entry->has_flags)
		flags = IMG_RUN_PRESENT;

	if ((flags & IMG_RUN_PARENT) && (flags & IMG_RUN_PRESENT))
		return img_fail(err, IMG_CORRUPT, "run at %#llx: both here and in the parent",
			(unsigned long long)entry->vaddr);
	if (entry->vaddr % IMG_PAGE)
		return img_fail(
			err, IMG_CORRUPT, "run at %#llx: not at a page", (unsigned long long)entry->vaddr);
	if (nr > (UINT64_MAX - entry->vaddr) / IMG_PAGE)
		return img_fail(err, IMG_CORRUPT, "run at %#llx: %llu pages reach beyond the address space",
			(unsigned long long)entry->vaddr, (unsigned long long)nr);
	if (entry->vaddr < floor)
		return img_fail(err, IMG_CORRUPT, "run at %#llx: below the end of the run before, %#llx",
			(unsigned long long)entry->vaddr, (unsigned long long)floor);

	if (entry->has_data_page && (!(flags & IMG_RUN_PRESENT) || nr > INT64_MAX / IMG_PAGE ||
					    entry->data_page > INT64_MAX / IMG_PAGE - nr))
		return img_fail(err, IMG_CORRUPT, "run at %#llx: data at page %llu",
			(unsigned long long)entry->vaddr, (unsigned long long)entry->data_page);

	run->addr = entry->vaddr;
	run->nr_pages = nr;
	run->flags = flags;
	run->data_off = 0;
	return 0;
}

static int pagemap_record(
	struct img_flow *flow, const ProtobufCMessage *msg, struct img_payload *payload, struct img_err *err)
{
	struct img_run run;

	if (flow->nr == 0)
		return 0;
	if (img_pagemap_run((const PagemapEntry *)msg, flow->FLOOR, &run, err))
		return -1;
	flow->FLOOR = run.addr + run.nr_pages * IMG_PAGE;
	return 0;
}

const struct img_kind_ops img_pagemap_ops = {
	.record = pagemap_record,
};
