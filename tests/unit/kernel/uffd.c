/* Asynchronous write protection: what was written since it was marked, and nothing else. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "kernel/pagemap.h"
#include "kernel/uffd.h"

enum { PAGES = 4096, SIZE = 4096 };

struct seen {
	unsigned char page[PAGES];
	char *mem;
};

static int see(void *arg, const struct kern_pages *pages, struct img_err *err)
{
	struct seen *seen = arg;

	for (uint64_t at = pages->start; at < pages->end; at += SIZE)
		seen->page[(at - (uintptr_t)seen->mem) / SIZE]++;
	return 0;
}

static char *new_memory(void)
{
	char *mem = mmap(NULL, PAGES * SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	assert_ptr_not_equal(mem, MAP_FAILED);
	/* Every fifth page is not there. */
	for (int i = 0; i < PAGES; i++)
		if (i % 5)
			mem[i * SIZE] = 1;
	return mem;
}

static int tracked(char *mem, struct kern_pagemap *pm)
{
	struct img_err err = IMG_ERR_INIT;
	int fd = syscall(SYS_userfaultfd, kern_uffd_flags());

	if (!kern_uffd_has_tracking() || !kern_pagemap_has_protect())
		skip();
	assert_int_equal(kern_uffd_tracking(fd, &err), 0);
	assert_int_equal(kern_uffd_register(fd, (uintptr_t)mem, (uintptr_t)mem + PAGES * SIZE, &err), 0);
	assert_int_equal(kern_pagemap_open(0, pm, &err), 0);
	return fd;
}

static void written_since(void **state)
{
	struct img_err err = IMG_ERR_INIT;
	struct kern_pagemap pm;
	struct seen seen = { .mem = new_memory() };
	uintptr_t start = (uintptr_t)seen.mem, end = start + PAGES * SIZE;
	int fd = tracked(seen.mem, &pm);

	/* The first time: all that there are, whatever the number of ranges. */
	assert_int_equal(kern_pagemap_protect(&pm, start, end, see, &seen, &err), 0);
	for (int i = 0; i < PAGES; i++)
		assert_int_equal(seen.page[i], i % 5 != 0);

	memset(seen.page, 0, sizeof(seen.page));
	assert_int_equal(kern_pagemap_protect(&pm, start, end, see, &seen, &err), 0);
	for (int i = 0; i < PAGES; i++)
		assert_int_equal(seen.page[i], 0);

	/* Every third is written: some that were there, some that are new. */
	for (int i = 0; i < PAGES; i += 3)
		seen.mem[i * SIZE + 7] = 2;
	assert_int_equal(kern_pagemap_protect(&pm, start, end, see, &seen, &err), 0);
	for (int i = 0; i < PAGES; i++)
		assert_int_equal(seen.page[i], i % 3 == 0);
	kern_pagemap_close(&pm);
	close(fd);
	munmap(seen.mem, PAGES * SIZE);
}

static void marks_end_with_the_descriptor(void **state)
{
	const struct kern_page_query marked = {
		.without = KERN_PAGE_WRITTEN, .any = KERN_PAGE_PRESENT | KERN_PAGE_SWAPPED
	};
	struct img_err err = IMG_ERR_INIT;
	struct kern_pagemap pm;
	struct seen seen = { .mem = new_memory() };
	uintptr_t start = (uintptr_t)seen.mem, end = start + PAGES * SIZE;
	int fd = tracked(seen.mem, &pm);

	assert_int_equal(kern_pagemap_protect(&pm, start, end, NULL, NULL, &err), 0);
	assert_int_equal(kern_uffd_unmark(fd, start, start + 100 * SIZE, &err), 0);
	assert_int_equal(kern_pagemap_scan(&pm, start, end, &marked, see, &seen, &err), 0);
	for (int i = 0; i < PAGES; i++)
		assert_int_equal(seen.page[i], i >= 100 && i % 5 != 0);

	close(fd);
	memset(seen.page, 0, sizeof(seen.page));
	assert_int_equal(kern_pagemap_scan(&pm, start, end, &marked, see, &seen, &err), 0);
	for (int i = 0; i < PAGES; i++)
		assert_int_equal(seen.page[i], 0);
	/* Not registered: refused, nothing is marked. */
	assert_int_equal(kern_pagemap_protect(&pm, start, end, NULL, NULL, &err), -1);
	kern_pagemap_close(&pm);
	munmap(seen.mem, PAGES * SIZE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(written_since),
		cmocka_unit_test(marks_end_with_the_descriptor),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("uffd", tests, NULL, NULL);
}
