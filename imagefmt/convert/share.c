/* convert/share.c -- a page map and its data, in which equal pages are stored once.
 *
 * A page is known by its digest, and compared with the one that it seems to equal: both are in the old set. Runs are cut where their data does not lie in
 * one piece. Memory: 32 bytes for each page that is stored.
 */

#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "convert/view.h"
#include "criuimg/array.h"
#include "criuimg/cleanup.h"
#include "criuimg/pages.h"
#include "pagemap.pb-c.h"
#include "read/pagemap.h"

#define BATCH 256 /* pages that are read at a time */

struct page {
	XXH128_hash_t hash;
	uint64_t from;	/* where it is in the old data */
	uint64_t place; /* which page of the new data it is, and 1; 0: a free slot */
};

struct sharing {
	struct img_source *data;
	struct img_sink *sink; /* the new data */
	struct img_writer *map;
	struct page *table; /* open addressing; room is a power of two */
	size_t nr, room;
	uint64_t stored; /* pages */
	bool shared;	 /* some are once that were more often */
	struct img_run run;  /* being put together; nr_pages 0: none */
	uint64_t run_place;  /* of its first page */
	uint64_t next_place; /* behind the data of the run before */
	unsigned char *batch, other[IMG_PAGE];
};

static struct page *slot_of(const struct sharing *s, XXH128_hash_t hash)
{
	size_t i = hash.low64 & (s->room - 1);

	while (s->table[i].place && !XXH128_isEqual(s->table[i].hash, hash))
		i = (i + 1) & (s->room - 1);
	return &s->table[i];
}

static int table_grow(struct sharing *s, struct img_err *err)
{
	struct page *old = s->table;
	size_t room = s->room;

	if (s->nr * 2 < room)
		return 0;
	s->room = room ? room * 2 : 1024;
	s->table = calloc(s->room, sizeof(*s->table));
	if (!s->table) {
		s->table = old;
		s->room = room;
		return img_fail_nomem(err);
	}
	for (size_t i = 0; i < room; i++)
		if (old[i].place)
			*slot_of(s, old[i].hash) = old[i];
	free(old);
	return 0;
}

/* The place of a page in the new data; it goes there if it is the first of its sort. */
static int place_of(struct sharing *s, const unsigned char *page, uint64_t from, uint64_t *place, struct img_err *err)
{
	XXH128_hash_t hash = XXH3_128bits(page, IMG_PAGE);
	struct page *p;
	ssize_t n;

	if (table_grow(s, err))
		return -1;
	p = slot_of(s, hash);
	if (p->place) {
		n = img_source_pread(s->data, s->other, IMG_PAGE, p->from, err);
		if (n < 0)
			return -1;
		if (n == IMG_PAGE && !memcmp(s->other, page, IMG_PAGE)) {
			s->shared = true;
			*place = p->place - 1;
			return 0;
		}
	} else {
		*p = (struct page){ hash, from, s->stored + 1 };
		s->nr++;
	}
	*place = s->stored++;
	return img_sink_write(s->sink, page, IMG_PAGE, err);
}

static int run_write(struct sharing *s, struct img_err *err)
{
	PagemapEntry entry = PAGEMAP_ENTRY__INIT;

	if (!s->run.nr_pages)
		return 0;
	entry.vaddr = s->run.addr;
	entry.nr_pages = s->run.nr_pages;
	entry.compat_nr_pages = s->run.nr_pages > UINT32_MAX ? 0 : s->run.nr_pages;
	entry.flags = s->run.flags;
	entry.has_nr_pages = entry.has_flags = true;
	if (s->run.flags & IMG_RUN_PRESENT) {
		entry.has_data_page = s->run_place != s->next_place;
		entry.data_page = s->run_place;
		s->next_place = s->run_place + s->run.nr_pages;
	}
	s->run.nr_pages = 0;
	return img_write(s->map, &entry.base, err);
}

/* Pages of one run of the old map; of those without data, place means nothing. */
static int pages_add(
	struct sharing *s, const struct img_run *old, uint64_t addr, uint64_t nr, uint64_t place, struct img_err *err)
{
	bool data = old->flags & IMG_RUN_PRESENT;

	if (s->run.nr_pages && s->run.flags == old->flags && s->run.addr + s->run.nr_pages * IMG_PAGE == addr &&
		(!data || s->run_place + s->run.nr_pages == place)) {
		s->run.nr_pages += nr;
		return 0;
	}
	if (run_write(s, err))
		return -1;
	s->run = (struct img_run){ .addr = addr, .nr_pages = nr, .flags = old->flags };
	s->run_place = place;
	return 0;
}

static int present_share(struct sharing *s, const struct img_run *run, int (*tick)(void *arg, uint64_t bytes, struct img_err *err),
	void *arg, struct img_err *err)
{
	for (uint64_t done = 0; done < run->nr_pages;) {
		uint64_t nr = run->nr_pages - done < BATCH ? run->nr_pages - done : BATCH;
		uint64_t from = run->data_off + done * IMG_PAGE, place;
		ssize_t n = img_source_pread(s->data, s->batch, nr * IMG_PAGE, from, err);

		if (n < 0)
			return -1;
		if ((uint64_t)n != nr * IMG_PAGE)
			return img_fail(err, IMG_CORRUPT, "the page data ends in the middle");
		for (uint64_t i = 0; i < nr; i++)
			if (place_of(s, s->batch + i * IMG_PAGE, from + i * IMG_PAGE, &place, err) ||
				pages_add(s, run, run->addr + (done + i) * IMG_PAGE, 1, place, err))
				return -1;
		done += nr;
		if (tick && tick(arg, nr * IMG_PAGE, err))
			return -1;
	}
	return 0;
}

static int map_share(struct sharing *s, const struct img_pagemap *map, int (*tick)(void *arg, uint64_t bytes, struct img_err *err),
	void *arg, struct img_err *err)
{
	PagemapHead head = PAGEMAP_HEAD__INIT;
	int ret;

	head.pages_id = map->pages_id;
	ret = img_write(s->map, &head.base, err);
	for (size_t i = 0; !ret && i < map->nr; i++) {
		const struct img_run *run = &map->runs[i];

		ret = run->flags & IMG_RUN_PRESENT ? present_share(s, run, tick, arg, err)
						   : pages_add(s, run, run->addr, run->nr_pages, 0, err);
	}
	return ret ? -1 : run_write(s, err);
}

static void sharing_free(struct sharing *s)
{
	img_source_close(s->data);
	img_sink_abort(s->sink);
	img_writer_abort(s->map);
	free(s->table);
	free(s->batch);
}

int img_share_pages(struct img_set *from, struct img_set *to, const char *name, uint32_t *pages_id,
	int (*tick)(void *arg, uint64_t bytes, struct img_err *err), void *arg, struct img_err *err)
{
	__attribute__((cleanup(img_pagemap_free))) struct img_pagemap map;
	__attribute__((cleanup(sharing_free))) struct sharing s = { 0 };
	char data[IMG_NAME_MAX];
	enum img_kind kind;
	uint64_t id;
	int ret;

	kind = img_kind_by_file(name, &id);
	ret = img_pagemap_load(from, kind, id, &map, err);
	if (ret <= 0 || !(map.flags & IMG_RUN_PRESENT))
		return ret < 0 ? -1 : 0;
	*pages_id = map.pages_id;
	img_kind_file_name(IMG_PAGES, map.pages_id, data);
	ret = img_set_source(from, data, &s.data, err);
	if (ret <= 0)
		return ret < 0 ? -1 : img_fail(err, IMG_CORRUPT, "%s is missing", data);
	if (!img_source_can_pread(s.data))
		return img_fail(err, IMG_UNSUPPORTED, "%s cannot be read by position", data);
	s.batch = malloc(BATCH * IMG_PAGE);
	s.sink = s.batch ? img_set_sink(to, data, err) : NULL;
	s.map = s.sink ? img_writer_create(to, kind, id, err) : NULL;
	if (!s.batch)
		return img_fail_nomem(err);
	if (!s.map || map_share(&s, &map, tick, arg, err) || img_writer_finish(steal_ptr(&s.map), err) ||
		img_sink_finish(steal_ptr(&s.sink), err))
		return -1;
	return s.shared && img_set_require(to, "pages-shared", err) ? -1 : 1;
}
