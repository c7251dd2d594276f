/* tests/unit/parasite/jump.c -- code written as bytes does what it says: run it. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "parasite/arch/jump.h"

typedef long (*six_fn)(long, long, long, long, long, long);

static long target(long a, long b, long c, long d, long e, long f)
{
	return a + 2 * b + 3 * c + 4 * d + 5 * e + 6 * f;
}

static uint8_t *code_page(void)
{
	uint8_t *page =
		mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	assert_ptr_not_equal(page, MAP_FAILED);
	return page;
}

static void test_far(void **state)
{
	uint8_t *page = code_page();
	six_fn f;

	assert_true(arch_jump(page, (uintptr_t)page, (uintptr_t)target) <= ARCH_JUMP_MAX);
	*(void **)&f = page;
	assert_int_equal(f(1, 2, 3, 4, 5, 6), target(1, 2, 3, 4, 5, 6));
	munmap(page, 4096);
}

/* A chain of two: a near one to the far one. */
static void test_near(void **state)
{
	uint8_t *page = code_page();
	six_fn f;

	arch_jump(page + 2048, (uintptr_t)page + 2048, (uintptr_t)target);
	assert_true(arch_jump(page, (uintptr_t)page, (uintptr_t)page + 2048) <=
		    arch_jump(page + 1024, (uintptr_t)page + 1024, (uintptr_t)target));
	*(void **)&f = page;
	assert_int_equal(f(-1, 20, 3, 4, 5, 6), target(-1, 20, 3, 4, 5, 6));
	munmap(page, 4096);
}

static void test_call(void **state)
{
	uint8_t *page = code_page();
	struct timespec ts = { 0, 0 };
	six_fn f;

	assert_true(arch_call(page, SYS_clock_gettime) <= ARCH_JUMP_MAX);
	*(void **)&f = page;
	assert_int_equal(f(CLOCK_MONOTONIC, (long)&ts, 0, 0, 0, 0), 0);
	assert_true(ts.tv_sec || ts.tv_nsec);
	assert_true(f(-1, (long)&ts, 0, 0, 0, 0) < 0);
	munmap(page, 4096);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_far),
		cmocka_unit_test(test_near),
		cmocka_unit_test(test_call),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("parasite/jump", tests, NULL, NULL);
}
