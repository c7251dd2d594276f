/* tests/unit/kernel/vdso.c -- the functions of this kernel's own vdso, and of broken ones. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "kernel/maps.h"
#include "kernel/vdso.h"

static const unsigned char *vdso;
static size_t size;

static int find_vdso(void **state)
{
	struct kern_maps maps = KERN_MAPS_INIT;
	struct img_err err = IMG_ERR_INIT;
	const struct kern_vma *vma;

	vdso = (const unsigned char *)getauxval(AT_SYSINFO_EHDR);
	if (!vdso)
		return 0;
	assert_int_equal(kern_maps_read(getpid(), false, &maps, &err), 0);
	vma = kern_maps_find(&maps, (uintptr_t)vdso);
	assert_non_null(vma);
	size = vma->end - vma->start;
	kern_maps_free(&maps);
	return 0;
}

static void test_own(void **state)
{
	static struct kern_vdso found;
	struct img_err err = IMG_ERR_INIT;
	const struct kern_vdso_symbol *s;
	struct timespec ts = { 0, 0 };
	int (*clock_gettime_)(clockid_t, struct timespec *);

	if (!vdso)
		skip();
	assert_int_equal(kern_vdso_parse(vdso, size, &found, &err), 0);
	assert_true(found.nr > 2);
#if defined(__x86_64__)
	s = kern_vdso_find(&found, "__vdso_clock_gettime");
#else
	s = kern_vdso_find(&found, "__kernel_clock_gettime");
#endif
	assert_non_null(s);
	*(void **)&clock_gettime_ = (void *)(vdso + s->offset);
	assert_int_equal(clock_gettime_(CLOCK_MONOTONIC, &ts), 0);
	assert_true(ts.tv_sec || ts.tv_nsec);
	assert_null(kern_vdso_find(&found, "no_such_function"));
	assert_null(kern_vdso_find(&found, "a name that is longer than any that is kept here"));
	for (size_t i = 1; i < found.nr; i++)
		assert_true(strcmp(found.symbols[i - 1].name, found.symbols[i].name) <= 0);
}

/* Whatever is in the bytes: an answer, and nothing outside of them is looked at (a sanitizer would say so). */
static void test_broken(void **state)
{
	static struct kern_vdso found;
	struct img_err err = IMG_ERR_INIT;
	unsigned seed = 7;

	if (!vdso)
		skip();
	for (size_t len = 0; len < size; len += len < 256 ? 1 : 512) {
		unsigned char *copy = malloc(len ? len : 1);

		memcpy(copy, vdso, len);
		kern_vdso_parse(copy, len, &found, &err);
		free(copy);
	}
	for (int round = 0; round < 3000; round++) {
		unsigned char *copy = malloc(size);

		memcpy(copy, vdso, size);
		for (int i = 0; i < 4; i++)
			copy[rand_r(&seed) % (size < 2048 ? size : 2048)] = (unsigned char)rand_r(&seed);
		if (kern_vdso_parse(copy, size, &found, &err) == 0)
			for (size_t i = 0; i < found.nr; i++)
				assert_true(found.symbols[i].offset < size);
		free(copy);
	}
	assert_int_equal(kern_vdso_parse("", 0, &found, &err), -1);
	assert_int_equal(err.code, IMG_CORRUPT);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_own),
		cmocka_unit_test(test_broken),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("kernel/vdso", tests, find_vdso, NULL);
}
