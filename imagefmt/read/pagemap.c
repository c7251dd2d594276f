/* read/pagemap.c -- loads a page map: its runs, checked, with the places of their data. */

#include "read/pagemap.h"

#include <stdlib.h>

#include "criuimg/array.h"
#include "criuimg/cleanup.h"
#include "kinds/pagemap.h"

IMG_DEFINE_CLEANUP(struct img_reader *, img_reader_close);

static int run_add(struct img_pagemap *map, const PagemapEntry *entry, struct img_err *err)
{
	uint64_t floor = map->nr ? map->runs[map->nr - 1].addr + map->runs[map->nr - 1].nr_pages * IMG_PAGE : 0;
	struct img_run *run = img_array_more(&map->runs, map->nr, &map->room);

	if (!run)
		return img_fail_nomem(err);
	if (img_pagemap_run(entry, floor, run, err))
		return -1;
	if (!run->nr_pages)
		return 0;
	if (run->flags & IMG_RUN_PRESENT) {
		run->data_off = map->present;
		map->present += run->nr_pages * IMG_PAGE;
	}
	map->flags |= run->flags;
	map->nr++;
	return 0;
}

static int load(struct img_reader *r, struct img_pagemap *map, struct img_err *err)
{
	ProtobufCMessage *msg;
	PagemapHead *head;
	int ret;

	if (IMG_READ(r, pagemap_head, &head, err))
		return -1;
	map->pages_id = head->pages_id;
	img_message_free(&head->base);
	while ((ret = img_read(r, &msg, err)) == 1) {
		ret = run_add(map, (PagemapEntry *)msg, err);
		img_message_free(msg);
		if (ret)
			return -1;
	}
	return ret;
}

int img_pagemap_load(struct img_set *set, enum img_kind kind, uint64_t id, struct img_pagemap *map, struct img_err *err)
{
	cleanup_with(img_reader_close) struct img_reader *r = NULL;
	int ret;

	*map = (struct img_pagemap){ 0 };
	ret = img_reader_open(set, kind, id, &r, err);
	if (ret <= 0)
		return ret;
	if (!load(r, map, err))
		return 1;
	img_pagemap_free(map);
	return -1;
}

void img_pagemap_free(struct img_pagemap *map)
{
	free(map->runs);
	*map = (struct img_pagemap){ 0 };
}
