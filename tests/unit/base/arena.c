/* tests/unit/base/arena.c -- memory freed all at once. */

#include "tests/unit/imgtest.h"

#include "criuimg/arena.h"
#include "eventfd.pb-c.h"

static void test_alloc(void **state)
{
	cleanup_arena struct img_arena arena = IMG_ARENA_INIT;
	unsigned char *at[2000];
	size_t size[2000];

	/* Sizes below, at and above a block; every piece zeroed, aligned and apart from the others. */
	for (size_t i = 0; i < ARRAY_SIZE(at); i++) {
		size[i] = i % 7 == 0 ? i * 97 : i % 40;
		at[i] = img_arena_alloc(&arena, size[i]);
		assert_non_null(at[i]);
		assert_int_equal((uintptr_t)at[i] % _Alignof(max_align_t), 0);
		for (size_t k = 0; k < size[i]; k++)
			assert_int_equal(at[i][k], 0);
		memset(at[i], i, size[i]);
	}
	for (size_t i = 0; i < ARRAY_SIZE(at); i++)
		for (size_t k = 0; k < size[i]; k++)
			assert_int_equal(at[i][k], (unsigned char)i);
	img_arena_free(&arena);
	assert_non_null(img_arena_alloc(&arena, 1));
}

static void test_too_much(void **state)
{
	cleanup_arena struct img_arena arena = IMG_ARENA_INIT;

	assert_null(img_arena_alloc(&arena, SIZE_MAX));
	assert_null(img_arena_alloc(&arena, SIZE_MAX - 4));
	assert_null(img_arena_array(&arena, SIZE_MAX / 2, 4));
	assert_non_null(img_arena_array(&arena, 0, 4));
}

static void test_text(void **state)
{
	cleanup_arena struct img_arena arena = IMG_ARENA_INIT;
	EventfdFileEntry *e;

	assert_string_equal(img_arena_strdup(&arena, "abc"), "abc");
	assert_string_equal(img_arena_printf(&arena, "%s-%d", "abc", 7), "abc-7");
	assert_memory_equal(img_arena_memdup(&arena, "a\0b", 3), "a\0b", 3);
	e = img_arena_message(&arena, EventfdFileEntry, eventfd_file_entry);
	assert_ptr_equal(e->base.descriptor, &eventfd_file_entry__descriptor);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_alloc),
		cmocka_unit_test(test_too_much),
		cmocka_unit_test(test_text),
	};

	RUN("base/arena", tests);
}
