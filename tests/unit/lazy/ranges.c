/* tests/unit/lazy/ranges.c -- the list of what is missing, against a table of pages. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "streamer/lazy-pages/lazy.h"

enum { PAGES = 96, ROUNDS = 20000 };

/* Address of the image that is missing at each page; 0: nothing is. */
struct table {
	uint64_t image[PAGES];
};

static uint64_t addr(size_t n)
{
	return (n + 1) * IMG_PAGE;
}

static void same(const struct lazy_ranges *r, const struct table *t)
{
	size_t page = 0;
	uint64_t left = 0;

	for (size_t i = 0; i < r->nr; i++) {
		assert_true(r->items[i].at < r->items[i].end);
		assert_true(!i || r->items[i - 1].end <= r->items[i].at);
		for (uint64_t at = r->items[i].at; at < r->items[i].end; at += IMG_PAGE) {
			while (addr(page) < at)
				assert_int_equal(t->image[page++], 0);
			assert_int_equal(t->image[page++], r->items[i].image + (at - r->items[i].at));
		}
	}
	while (page < PAGES)
		assert_int_equal(t->image[page++], 0);
	for (size_t n = 0; n < PAGES; n++) {
		size_t i = lazy_ranges_find(r, addr(n));

		left += t->image[n] != 0;
		assert_int_equal(i < r->nr && r->items[i].at <= addr(n), t->image[n] != 0);
	}
	assert_int_equal(lazy_ranges_pages(r), left);
}

static void add(struct lazy_ranges *r, struct table *t, size_t from, size_t nr, uint64_t image)
{
	struct lazy_range range = { addr(from), addr(from + nr), image, false };
	struct img_err err;

	for (size_t n = 0; n < nr; n++) {
		if (t->image[from + n])
			return;
	}
	for (size_t n = 0; n < nr; n++)
		t->image[from + n] = image + n * IMG_PAGE;
	assert_int_equal(lazy_ranges_add(r, &range, &err), 0);
}

static void drop(struct lazy_ranges *r, struct table *t, size_t from, size_t nr)
{
	struct img_err err;

	memset(&t->image[from], 0, nr * sizeof(t->image[0]));
	assert_int_equal(lazy_ranges_drop(r, addr(from), addr(from + nr), &err), 0);
}

static void move(struct lazy_ranges *r, struct table *t, size_t from, size_t to, size_t nr)
{
	struct img_err err;
	uint64_t moved[PAGES];

	/* mremap(2) has no such thing as a place that overlaps its new one. */
	if (from < to + nr && to < from + nr)
		return;
	memcpy(moved, &t->image[from], nr * sizeof(moved[0]));
	memset(&t->image[from], 0, nr * sizeof(moved[0]));
	memcpy(&t->image[to], moved, nr * sizeof(moved[0]));
	assert_int_equal(lazy_ranges_move(r, addr(from), addr(to), nr * IMG_PAGE, &err), 0);
}

static void random_changes(void **unused)
{
	struct lazy_ranges r = { 0 }, copy;
	struct table t = { 0 };
	struct img_err err;

	srand(1);
	for (int i = 0; i < ROUNDS; i++) {
		size_t from = rand() % PAGES, nr = 1 + rand() % 12, to = rand() % (PAGES - 12);

		if (from + nr > PAGES)
			nr = PAGES - from;
		switch (rand() % 4) {
		case 0:
		case 1:
			add(&r, &t, from, nr, (1 + rand() % 1000) * (uint64_t)IMG_PAGE);
			break;
		case 2:
			drop(&r, &t, from, nr);
			break;
		default:
			move(&r, &t, from, to, nr);
		}
		same(&r, &t);
	}
	assert_int_equal(lazy_ranges_copy(&copy, &r, &err), 0);
	same(&copy, &t);
	free(copy.items);
	free(r.items);
}

static void nothing(void **unused)
{
	struct lazy_ranges r = { 0 }, copy;
	struct img_err err;

	assert_int_equal(lazy_ranges_find(&r, 0), 0);
	assert_int_equal(lazy_ranges_drop(&r, 0, UINT64_MAX, &err), 0);
	assert_int_equal(lazy_ranges_move(&r, 0, 1 << 20, 1 << 20, &err), 0);
	assert_int_equal(lazy_ranges_copy(&copy, &r, &err), 0);
	assert_int_equal(copy.nr, 0);
	assert_int_equal(lazy_ranges_pages(&copy), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing),
		cmocka_unit_test(random_changes),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
