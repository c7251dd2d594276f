/* read/pagemap.c -- loads a page map: its runs, checked, with the places of their data. */

#include "read/pagemap.h"

#include <stdlib.h>

#include "criuimg/array.h"
#include "criuimg/cleanup.h"
#include "kinds/pagemap.h"
#include "read/reader.h"
#include "wire/message.h"

IMG_DEFINE_CLEANUP(struct img_reader *, img_reader_close);

static int run_add(struct img_pagemap *map, const PagemapEntry *entry, struct img_err *err)
{
	uint64_t floor = map->nr ? img_run_end(&map->runs[map->nr - 1]) : 0;
	struct img_run *run = img_array_more(&map->runs, map->nr, &map->room);

	if (!run)
		return img_fail_nomem(err);
	if (img_pagemap_run(entry, floor, run, err))
		return -1;
	if (!run->nr_pages)
		return 0;
	if (run->flags & IMG_RUN_PRESENT) {
		run->data_off = entry->has_data_page ? entry->data_page * IMG_PAGE : map->next;
		map->shared |= run->data_off != map->next;
		map->next = run->data_off + run->nr_pages * IMG_PAGE;
		if (map->next > map->present)
			map->present = map->next;
	}
	map->flags |= run->flags;
	map->nr++;
	return 0;
}

/* ---- entries, a million of them in a moment: taken apart here, without a message in memory for each ---- */

struct bytes {
	const unsigned char *at, *end;
};

static bool take_varint(struct bytes *b, uint64_t *value)
{
	uint64_t v = 0;

	for (unsigned int shift = 0; b->at < b->end && shift < 64; shift += 7) {
		unsigned char byte = *b->at++;

		v |= (uint64_t)(byte & 0x7f) << shift;
		if (byte < 0x80) {
			*value = v;
			return true;
		}
	}
	return false;
}

/* The fields of pagemap_entry: all numbers. False for anything else in it: unpack it as any message then. */
static bool entry_take(const struct img_frame *frame, PagemapEntry *entry)
{
	struct bytes b = { frame->data, frame->data + frame->size };
	bool vaddr = false, compat = false;
	uint64_t v;

	while (b.at < b.end) {
		unsigned char tag = *b.at++;

		if (!take_varint(&b, &v))
			return false;
		switch (tag) {
		case 1 << 3:
			entry->vaddr = v;
			vaddr = true;
			break;
		case 2 << 3:
			entry->compat_nr_pages = v;
			compat = true;
			break;
		case 3 << 3:
			entry->in_parent = v != 0;
			entry->has_in_parent = true;
			break;
		case 4 << 3:
			entry->flags = v;
			entry->has_flags = true;
			break;
		case 5 << 3:
			entry->nr_pages = v;
			entry->has_nr_pages = true;
			break;
		default:
			return false;
		}
	}
	return vaddr && compat;
}

static int entry_add(struct img_pagemap *map, const struct img_frame *frame, struct img_err *err)
{
	PagemapEntry entry = PAGEMAP_ENTRY__INIT;
	ProtobufCMessage *msg;
	int ret;

	if (entry_take(frame, &entry))
		return run_add(map, &entry, err);
	if (img_message_unpack(&pagemap_entry__descriptor, frame->data, frame->size, &msg, err))
		return -1;
	ret = run_add(map, (PagemapEntry *)msg, err);
	img_message_free(msg);
	return ret;
}

static int load(struct img_reader *r, struct img_pagemap *map, struct img_err *err)
{
	PagemapHead *head;
	uint64_t nr;
	int ret;

	if (IMG_READ(r, pagemap_head, &head, err))
		return -1;
	map->pages_id = head->pages_id;
	img_message_free(&head->base);
	for (nr = 1; (ret = img_frame_read(r->src, &r->frame, err)) == 1; nr++)
		if (entry_add(map, &r->frame, err)) {
			ret = -1;
			break;
		}
	return ret < 0 ? img_wrap(err, "%s: record %llu", r->name, (unsigned long long)nr) : 0;
}

int img_pagemap_load(
	struct img_set *set, enum img_kind kind, uint64_t id, struct img_pagemap *map, struct img_err *err)
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
