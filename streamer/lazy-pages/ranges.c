/* streamer/lazy-pages/ranges.c -- the list of what is missing in an address space. */

#include <stdlib.h>
#include <string.h>

#include "criuimg/array.h"
#include "streamer/lazy-pages/lazy.h"

size_t lazy_ranges_find(const struct lazy_ranges *r, uint64_t addr)
{
	size_t low = 0, high = r->nr;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (r->items[mid].end <= addr)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

static int insert(struct lazy_ranges *r, size_t i, const struct lazy_range *range, struct img_err *err)
{
	if (!img_array_more(&r->items, r->nr, &r->room))
		return img_fail_nomem(err);
	memmove(&r->items[i + 1], &r->items[i], (r->nr - i) * sizeof(*r->items));
	r->items[i] = *range;
	r->nr++;
	return 0;
}

int lazy_ranges_add(struct lazy_ranges *r, const struct lazy_range *range, struct img_err *err)
{
	return insert(r, lazy_ranges_find(r, range->at), range, err);
}

/* A range without its first bytes. */
static struct lazy_range after(const struct lazy_range *range, uint64_t at)
{
	struct lazy_range rest = *range;

	rest.image += at - range->at;
	rest.at = at;
	return rest;
}

int lazy_ranges_drop(struct lazy_ranges *r, uint64_t start, uint64_t end, struct img_err *err)
{
	size_t i = lazy_ranges_find(r, start), k;

	if (i < r->nr && r->items[i].at < start && r->items[i].end > end) {
		const struct lazy_range rest = after(&r->items[i], end);

		r->items[i].end = start;
		return insert(r, i + 1, &rest, err);
	}
	if (i < r->nr && r->items[i].at < start)
		r->items[i++].end = start;
	for (k = i; k < r->nr && r->items[k].end <= end; k++)
		;
	if (k > i && k < r->nr)
		memmove(&r->items[i], &r->items[k], (r->nr - k) * sizeof(*r->items));
	r->nr -= k - i;
	if (i < r->nr && r->items[i].at < end)
		r->items[i] = after(&r->items[i], end);
	return 0;
}

int lazy_ranges_move(struct lazy_ranges *r, uint64_t from, uint64_t to, uint64_t len, struct img_err *err)
{
	struct lazy_ranges moved = { 0 };
	int ret = 0;

	for (size_t i = lazy_ranges_find(r, from); i < r->nr && r->items[i].at < from + len && !ret; i++) {
		struct lazy_range range = r->items[i].at < from ? after(&r->items[i], from) : r->items[i];

		if (range.end > from + len)
			range.end = from + len;
		range.at = range.at - from + to;
		range.end = range.end - from + to;
		ret = insert(&moved, moved.nr, &range, err);
	}
	if (!ret)
		ret = lazy_ranges_drop(r, from, from + len, err);
	if (!ret)
		ret = lazy_ranges_drop(r, to, to + len, err); /* whatever was there is gone */
	for (size_t i = 0; i < moved.nr && !ret; i++)
		ret = lazy_ranges_add(r, &moved.items[i], err);
	free(moved.items);
	return ret;
}

int lazy_ranges_copy(struct lazy_ranges *to, const struct lazy_ranges *from, struct img_err *err)
{
	*to = (struct lazy_ranges){ 0 };
	if (!from->nr)
		return 0;
	to->items = malloc(from->nr * sizeof(*to->items));
	if (!to->items)
		return img_fail_nomem(err);
	memcpy(to->items, from->items, from->nr * sizeof(*to->items));
	to->nr = to->room = from->nr;
	return 0;
}

uint64_t lazy_ranges_pages(const struct lazy_ranges *r)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < r->nr; i++)
		sum += (r->items[i].end - r->items[i].at) / IMG_PAGE;
	return sum;
}
