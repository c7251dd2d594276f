/* tests/unit/kernel/vdso.c -- the functions of a vdso, from our own and from what is none. */

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>

#include <cmocka.h>

#include "kernel/vdso.h"

enum { VDSO_SIZE = 2 * 4096 };

static const unsigned char *own(void)
{
	return (const unsigned char *)getauxval(AT_SYSINFO_EHDR);
}

static void test_own(void **state)
{
	const struct kern_vdso_symbol *s;
	struct kern_vdso vdso, again;
	struct img_err err = IMG_ERR_INIT;

	if (!own())
		skip();
	assert_int_equal(kern_vdso_parse(own(), VDSO_SIZE, &vdso, &err), 0);
	s = kern_vdso_find(&vdso, "__vdso_clock_gettime");
	assert_non_null(s);
	assert_true(s->offset > 0 && s->offset < VDSO_SIZE);
	assert_null(kern_vdso_find(&vdso, "__vdso_nothing"));
	assert_int_equal(kern_vdso_parse(own(), VDSO_SIZE, &again, &err), 0);
	assert_true(kern_vdso_same(&vdso, &again));
	again.symbols[0].offset++;
	assert_false(kern_vdso_same(&vdso, &again));
}

/* Whatever the bytes are, nothing beyond them is read (run under the address sanitizer), and what is found lies in them. */
static void parse_copy(const unsigned char *bytes, size_t size)
{
	unsigned char *copy = malloc(size ? size : 1);
	struct kern_vdso vdso;
	struct img_err err = IMG_ERR_INIT;

	memcpy(copy, bytes, size);
	if (kern_vdso_parse(copy, size, &vdso, &err) == 0) {
		for (size_t i = 0; i < vdso.nr; i++)
			assert_true(vdso.symbols[i].offset < size);
	} else {
		assert_int_equal(err.code, IMG_CORRUPT);
	}
	free(copy);
}

static void test_cut(void **state)
{
	if (!own())
		skip();
	for (size_t size = 0; size < VDSO_SIZE; size += 13)
		parse_copy(own(), size);
}

static void test_damaged(void **state)
{
	unsigned char bytes[VDSO_SIZE];

	if (!own())
		skip();
	srandom(1);
	for (int round = 0; round < 5000; round++) {
		memcpy(bytes, own(), VDSO_SIZE);
		for (int i = 0; i < 20; i++)
			bytes[random() % 2048] = random();
		parse_copy(bytes, VDSO_SIZE);
	}
}

static void test_none(void **state)
{
	static const unsigned char zeros[4096];
	struct img_err err = IMG_ERR_INIT;
	struct kern_vdso vdso;

	assert_int_equal(kern_vdso_parse(zeros, sizeof(zeros), &vdso, &err), -1);
	assert_int_equal(err.code, IMG_CORRUPT);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_own),
		cmocka_unit_test(test_cut),
		cmocka_unit_test(test_damaged),
		cmocka_unit_test(test_none),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
