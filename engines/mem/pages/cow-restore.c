/* engines/mem/pages/cow-restore.c -- memory that a child inherited: made its own where it differs, shared
 * where it does not.
 *
 * After fork(2) both have the same pages. What the child wrote since then differs: it is copied over, page
 * by page. What the child has and its parent has not is read into place; what it has not is dropped.
 */

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "criu-restore/mem.h"
#include "criu-restore/stream.h"
#include "criuimg/array.h"
#include "criuimg/cleanup.h"
#include "kernel/pagemap.h"

enum { BUFFER = 1 << 20 };

/* Pages that are really there: private ones of our own or of who we share them with. */
static const struct kern_page_query there = {
	.without = KERN_PAGE_PFNZERO | KERN_PAGE_FILE | KERN_PAGE_GUARD,
	.any = KERN_PAGE_PRESENT | KERN_PAGE_SWAPPED,
};

struct ranges {
	struct kern_pages *items; /* as addresses of the image */
	size_t nr, room;
	uint64_t move; /* from an address here to that of the image */
};

struct cow {
	struct restore *r;
	struct img_pages_reader *pages;
	const VmaEntry *e;
	uint64_t at;
	struct restore_pieces *pieces;
	char *buf;
	uint64_t compared, same;
};

static int add_range(void *arg, const struct kern_pages *pages, struct img_err *err)
{
	struct ranges *ranges = arg;
	struct kern_pages *range;

	range = img_array_more(&ranges->items, ranges->nr, &ranges->room);
	if (!range)
		return img_fail_nomem(err);
	*range = (struct kern_pages){ pages->start + ranges->move, pages->end + ranges->move, 0 };
	ranges->nr++;
	return 0;
}

static int find_there(const struct cow *c, struct ranges *ranges, struct img_err *err)
{
	struct kern_pagemap pm;
	int ret;

	if (kern_pagemap_open(0, &pm, err) < 0)
		return -1;
	ranges->move = c->e->start - c->at;
	ret = kern_pagemap_scan(
		&pm, c->at, c->at + (c->e->end - c->e->start), &there, add_range, ranges, err);
	kern_pagemap_close(&pm);
	return ret;
}

static char *here(const struct cow *c, uint64_t addr)
{
	return (char *)(c->at + (addr - c->e->start));
}

/* The same for what comes in a stream: later, then. */
static int compare_passing(struct cow *c, uint64_t start, uint64_t end, struct img_err *err)
{
	size_t before = c->pieces->nr;

	if (restore_add_pages(c->pages, start, (end - start) / IMG_PAGE, here(c, start), c->pieces, err) < 0)
		return -1;
	for (size_t i = before; i < c->pieces->nr; i++)
		c->pieces->items[i].fd = RESTORE_PIECE_COMPARED;
	return 0;
}

static bool passes(const struct cow *c, uint64_t start)
{
	struct img_err none;
	uint64_t offset, nr;
	int fd;

	return restore_stream_has(c->r, c->pages) &&
	       img_pages_locate(c->pages, start, 1, &fd, &offset, &nr, &none) == IMG_PAGES_PASS;
}

/* Both have them: write those that differ. A range is in one run. */
static int compare(struct cow *c, uint64_t start, uint64_t end, struct img_err *err)
{
	if (passes(c, start))
		return compare_passing(c, start, end, err);
	while (start < end) {
		uint64_t len = end - start < BUFFER ? end - start : BUFFER;
		char *mine = here(c, start);

		if (img_pages_read(c->pages, start, len / IMG_PAGE, c->buf, err) < 0)
			return -1;
		for (uint64_t i = 0; i < len; i += IMG_PAGE) {
			if (!memcmp(mine + i, c->buf + i, IMG_PAGE))
				c->same++;
			else
				memcpy(mine + i, c->buf + i, IMG_PAGE);
		}
		c->compared += len / IMG_PAGE;
		start += len;
	}
	return 0;
}

static int drop(const struct cow *c, uint64_t start, uint64_t end, struct img_err *err)
{
	if (madvise(here(c, start), end - start, MADV_DONTNEED) < 0)
		return img_fail_sys(err, "dropping pages at %#" PRIx64, start);
	return 0;
}

/* One run of the page map, beside the ranges that are there from *next on. What is there and before it is
 * not the child's. */
static int update_run(struct cow *c, const struct ranges *ranges, size_t *next, uint64_t *done,
	uint64_t start, uint64_t end, struct img_err *err)
{
	for (;;) {
		const struct kern_pages *range = *next < ranges->nr ? &ranges->items[*next] : NULL;
		uint64_t from, upto;

		if (range && range->end <= *done) {
			(*next)++;
			continue;
		}
		from = range && range->start > *done ? range->start : *done;
		/* there, and not in a run */
		if (range && from < start) {
			upto = range->end < start ? range->end : start;
			if (drop(c, from, upto, err) < 0)
				return -1;
			*done = upto;
			continue;
		}
		if (*done < start)
			*done = start;
		if (*done >= end)
			return 0;
		/* in the run: there or not */
		if (range && range->start <= *done) {
			upto = range->end < end ? range->end : end;
			if (compare(c, *done, upto, err) < 0)
				return -1;
		} else {
			upto = range && range->start < end ? range->start : end;
			if (restore_add_pages(c->pages, *done, (upto - *done) / IMG_PAGE, here(c, *done),
				    c->pieces, err) < 0)
				return -1;
		}
		*done = upto;
	}
}

static int update(struct cow *c, const struct ranges *ranges, struct img_err *err)
{
	size_t nr, i = img_pages_find(c->pages, c->e->start), next = 0;
	const struct img_run *runs = img_pages_runs(c->pages, &nr);
	uint64_t done = c->e->start;

	for (; i < nr && runs[i].addr < c->e->end; i++) {
		uint64_t start = runs[i].addr > c->e->start ? runs[i].addr : c->e->start;
		uint64_t end = runs[i].addr + runs[i].nr_pages * IMG_PAGE;

		if (update_run(c, ranges, &next, &done, start, end < c->e->end ? end : c->e->end, err) < 0)
			return -1;
	}
	return update_run(c, ranges, &next, &done, c->e->end, c->e->end, err);
}

int restore_cow_update(struct restore *r, struct img_pages_reader *pages, const VmaEntry *e, uint64_t at,
	struct restore_pieces *pieces, struct img_err *err)
{
	struct cow c = { .r = r, .pages = pages, .e = e, .at = at, .pieces = pieces };
	struct ranges ranges = { 0 };
	int ret;

	c.buf = malloc(BUFFER);
	if (!c.buf)
		return img_fail_nomem(err);
	ret = find_there(&c, &ranges, err);
	if (!ret)
		ret = update(&c, &ranges, err);
	free(ranges.items);
	free(c.buf);
	__atomic_fetch_add(&r->counts->pages_compared, c.compared, __ATOMIC_RELAXED);
	__atomic_fetch_add(&r->counts->pages_skipped_cow, c.same, __ATOMIC_RELAXED);
	return ret;
}
