/* tests/unit/kernel/pagemap.c -- which pages are there: our own, both by PAGEMAP_SCAN and by the words of pagemap. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "kernel/pagemap.h"

enum { PAGE = 4096, NR = 64, MADV_GUARD = 102 };

struct got {
	struct kern_pages ranges[4096];
	size_t nr;
};

static int collect(void *arg, const struct kern_pages *pages, struct img_err *err)
{
	struct got *got = arg;

	/* chunks may come apart: put them together again */
	if (got->nr && got->ranges[got->nr - 1].end == pages->start &&
		got->ranges[got->nr - 1].categories == pages->categories) {
		got->ranges[got->nr - 1].end = pages->end;
		return 0;
	}
	got->ranges[got->nr++] = *pages;
	return 0;
}

static const struct kern_page_query private_data = {
	.without = KERN_PAGE_PFNZERO | KERN_PAGE_FILE | KERN_PAGE_GUARD,
	.any = KERN_PAGE_PRESENT | KERN_PAGE_SWAPPED,
};

static void open_as(struct kern_pagemap *pm, bool words)
{
	struct img_err err = IMG_ERR_INIT;

	assert_int_equal(kern_pagemap_open(getpid(), pm, &err), 0);
	if (!words)
		return;
	/* what it would be without PAGEMAP_SCAN */
	pm->can_scan = pm->can_guard = false;
}

static void check_anon(bool words)
{
	char *area = mmap(NULL, NR * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct img_err err = IMG_ERR_INIT;
	struct kern_pagemap pm;
	static struct got got;

	madvise(area, NR * PAGE, MADV_NOHUGEPAGE);
	for (int i = 3; i < 6; i++)
		area[i * PAGE] = 1;
	area[20 * PAGE] = 2;
	for (int i = 30; i < 34; i++)
		area[i * PAGE] = 3;
	area[63 * PAGE] = 4;

	open_as(&pm, words);
	got.nr = 0;
	assert_int_equal(kern_pagemap_scan(&pm, (uintptr_t)area, (uintptr_t)area + NR * PAGE, &private_data,
				 collect, &got, &err),
		0);
	assert_int_equal(got.nr, 4);
	assert_int_equal(got.ranges[0].start, (uintptr_t)area + 3 * PAGE);
	assert_int_equal(got.ranges[0].end, (uintptr_t)area + 6 * PAGE);
	assert_int_equal(got.ranges[1].start, (uintptr_t)area + 20 * PAGE);
	assert_int_equal(got.ranges[2].end, (uintptr_t)area + 34 * PAGE);
	assert_int_equal(got.ranges[3].end, (uintptr_t)area + 64 * PAGE);
	kern_pagemap_close(&pm);
	munmap(area, NR * PAGE);
}

static void test_anon(void **state)
{
	struct kern_pagemap pm;

	open_as(&pm, false);
	kern_pagemap_close(&pm);
	if (!pm.can_scan)
		skip();
	check_anon(false);
}

static void test_anon_words(void **state)
{
	check_anon(true);
}

static void test_zero_and_file(void **state)
{
	char *area = mmap(NULL, 4 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int fd = memfd_create("file", 0);
	struct img_err err = IMG_ERR_INIT;
	struct kern_pagemap pm;
	static struct got got;
	char *file;

	assert_int_equal(ftruncate(fd, 4 * PAGE), 0);
	file = mmap(NULL, 4 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
	open_as(&pm, false);
	if (!pm.can_scan)
		skip();

	(void)*(volatile char *)area; /* the zero page */
	got.nr = 0;
	assert_int_equal(kern_pagemap_scan(&pm, (uintptr_t)area, (uintptr_t)area + 4 * PAGE, &private_data,
				 collect, &got, &err),
		0);
	assert_int_equal(got.nr, 0);

	(void)*(volatile char *)(file + PAGE); /* the file's page */
	file[2 * PAGE] = 1;		       /* our copy */
	assert_int_equal(kern_pagemap_scan(&pm, (uintptr_t)file, (uintptr_t)file + 4 * PAGE, &private_data,
				 collect, &got, &err),
		0);
	assert_int_equal(got.nr, 1);
	assert_int_equal(got.ranges[0].start, (uintptr_t)file + 2 * PAGE);
	assert_int_equal(got.ranges[0].end, (uintptr_t)file + 3 * PAGE);
	kern_pagemap_close(&pm);
	munmap(area, 4 * PAGE);
	munmap(file, 4 * PAGE);
	close(fd);
}

static void test_guard(void **state)
{
	static const struct kern_page_query guards = { .any = KERN_PAGE_GUARD, .show = KERN_PAGE_GUARD };
	char *area = mmap(NULL, 8 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct img_err err = IMG_ERR_INIT;
	struct kern_pagemap pm;
	static struct got got;

	for (int i = 0; i < 8; i++)
		area[i * PAGE] = 1;
	open_as(&pm, false);
	if (!pm.can_guard || madvise(area + 2 * PAGE, 2 * PAGE, MADV_GUARD) < 0)
		skip();
	got.nr = 0;
	assert_int_equal(kern_pagemap_scan(&pm, (uintptr_t)area, (uintptr_t)area + 8 * PAGE, &guards, collect,
				 &got, &err),
		0);
	assert_int_equal(got.nr, 1);
	assert_int_equal(got.ranges[0].start, (uintptr_t)area + 2 * PAGE);
	assert_int_equal(got.ranges[0].end, (uintptr_t)area + 4 * PAGE);
	assert_int_equal(got.ranges[0].categories, KERN_PAGE_GUARD);
	got.nr = 0;
	assert_int_equal(kern_pagemap_scan(&pm, (uintptr_t)area, (uintptr_t)area + 8 * PAGE, &private_data,
				 collect, &got, &err),
		0);
	assert_int_equal(got.nr, 2);
	assert_int_equal(got.ranges[0].end, (uintptr_t)area + 2 * PAGE);
	assert_int_equal(got.ranges[1].start, (uintptr_t)area + 4 * PAGE);
	kern_pagemap_close(&pm);
	munmap(area, 8 * PAGE);
}

/* More ranges than one call of the kernel answers with. */
static void test_many(void **state)
{
	enum { MANY = 6000 };
	char *area = mmap(NULL, MANY * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct img_err err = IMG_ERR_INIT;
	struct kern_pagemap pm;
	static struct got got;

	madvise(area, MANY * PAGE, MADV_NOHUGEPAGE);
	for (int i = 0; i < MANY; i += 2)
		area[i * PAGE] = 1;
	for (int words = 0; words < 2; words++) {
		open_as(&pm, words);
		got.nr = 0;
		assert_int_equal(kern_pagemap_scan(&pm, (uintptr_t)area, (uintptr_t)area + MANY * PAGE,
					 &private_data, collect, &got, &err),
			0);
		assert_int_equal(got.nr, MANY / 2);
		for (int i = 0; i < MANY / 2; i++)
			assert_int_equal(got.ranges[i].start, (uintptr_t)area + 2 * i * PAGE);
		kern_pagemap_close(&pm);
	}
	munmap(area, MANY * PAGE);
}

static int refuse(void *arg, const struct kern_pages *pages, struct img_err *err)
{
	return img_fail(err, IMG_USAGE, "enough");
}

static void test_callback_fails(void **state)
{
	char *area = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct img_err err = IMG_ERR_INIT;
	struct kern_pagemap pm;

	area[0] = 1;
	for (int words = 0; words < 2; words++) {
		open_as(&pm, words);
		assert_int_equal(kern_pagemap_scan(&pm, (uintptr_t)area, (uintptr_t)area + PAGE,
					 &private_data, refuse, NULL, &err),
			-1);
		assert_string_equal(err.text, "enough");
		kern_pagemap_close(&pm);
	}
	munmap(area, PAGE);
}

static void test_word(void **state)
{
	assert_int_equal(kern_pagemap_word(0, 5), 0);
	assert_int_equal(kern_pagemap_word(1ull << 63 | 7, 5), KERN_PAGE_PRESENT);
	assert_int_equal(kern_pagemap_word(1ull << 63 | 5, 5), KERN_PAGE_PRESENT | KERN_PAGE_PFNZERO);
	assert_int_equal(kern_pagemap_word(1ull << 62 | 5, 5), KERN_PAGE_SWAPPED);
	assert_int_equal(kern_pagemap_word(1ull << 63 | 1ull << 61, 0), KERN_PAGE_PRESENT | KERN_PAGE_FILE);
	assert_int_equal(kern_pagemap_word(1ull << 58, 0), KERN_PAGE_GUARD);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_anon),
		cmocka_unit_test(test_anon_words),
		cmocka_unit_test(test_zero_and_file),
		cmocka_unit_test(test_guard),
		cmocka_unit_test(test_many),
		cmocka_unit_test(test_callback_fails),
		cmocka_unit_test(test_word),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("kernel/pagemap", tests, NULL, NULL);
}
