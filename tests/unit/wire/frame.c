/* tests/unit/wire/frame.c -- records off a source: sizes, limits, ends in the middle. */

#include "tests/unit/imgtest.h"

#include "wire/frame.h"

static struct img_source *source(const void *data, size_t size)
{
	struct img_err err = IMG_ERR_INIT;

	return img_source_memory_new(data, size, &err);
}

static void test_u32(void **state)
{
	static const uint32_t values[] = { 0, 1, 0x7f, 0x80, 0xff, 0x100, 0x12345678, 0x7fffffff, 0x80000000,
		UINT32_MAX };
	unsigned char bytes[4];

	for (size_t i = 0; i < ARRAY_SIZE(values); i++) {
		img_put_u32(bytes, values[i]);
		assert_int_equal(img_get_u32(bytes), values[i]);
	}
	img_put_u32(bytes, 0x04030201);
	assert_memory_equal(bytes, "\1\2\3\4", 4);
}

static void test_records(void **state)
{
	static const char data[] = "\3\0\0\0abc\0\0\0\0\1\0\0\0d";
	struct img_source *src = source(data, sizeof(data) - 1);
	struct img_err err = IMG_ERR_INIT;
	struct img_frame frame = { 0 };

	GIVES(1, img_frame_read(src, &frame, &err));
	assert_int_equal(frame.size, 3);
	assert_memory_equal(frame.data, "abc", 3);
	GIVES(1, img_frame_read(src, &frame, &err));
	assert_int_equal(frame.size, 0);
	assert_non_null(frame.data);
	GIVES(1, img_frame_read(src, &frame, &err));
	assert_memory_equal(frame.data, "d", 1);
	GIVES(0, img_frame_read(src, &frame, &err));
	img_frame_free(&frame);
	img_source_close(src);
}

/* Whatever is cut off the end, the answer is a clean end or IMG_CORRUPT, never something read. */
static void test_truncated(void **state)
{
	static const char data[] = "\3\0\0\0abc";

	for (size_t size = 0; size < sizeof(data) - 1; size++) {
		cleanup_free char *copy =
			malloc(size + !size); /* exact, so that the sanitizer sees any step beyond */
		struct img_source *src = source(memcpy(copy, data, size), size);
		struct img_err err = IMG_ERR_INIT;
		struct img_frame frame = { 0 };

		if (size == 0)
			GIVES(0, img_frame_read(src, &frame, &err));
		else
			FAILS(IMG_CORRUPT, "ends in the middle", img_frame_read(src, &frame, &err));
		img_frame_free(&frame);
		img_source_close(src);
	}
}

/* A size that lies costs no memory to speak of. */
static void test_hostile(void **state)
{
	static const struct {
		char data[8];
		const char *words;
	} rows[] = {
		{ "\xff\xff\xff\xff", "claims 4294967295 bytes" },
		{ "\1\0\0\4ab", "claims 67108865 bytes" },
		{ "\0\0\0\4abc", "ends in the middle" },
		{ "\0\0\0\x80", "claims" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct img_source *src = source(rows[i].data, sizeof(rows[i].data));
		struct img_err err = IMG_ERR_INIT;
		struct img_frame frame = { 0 };

		FAILS(IMG_CORRUPT, rows[i].words, img_frame_read(src, &frame, &err));
		assert_true(frame.room <= 2 << 20);
		img_frame_free(&frame);
		img_source_close(src);
	}
}

static void test_largest(void **state)
{
	size_t size = IMG_RECORD_MAX;
	unsigned char *data = malloc(size + 4);
	struct img_err err = IMG_ERR_INIT;
	struct img_frame frame = { 0 };
	struct img_source *src;

	img_put_u32(data, size);
	memset(data + 4, 'x', size);
	src = source(data, size + 4);
	GIVES(1, img_frame_read(src, &frame, &err));
	assert_int_equal(frame.size, size);
	assert_memory_equal(frame.data, data + 4, size);
	img_frame_free(&frame);
	img_source_close(src);
	free(data);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_u32),
		cmocka_unit_test(test_records),
		cmocka_unit_test(test_truncated),
		cmocka_unit_test(test_hostile),
		cmocka_unit_test(test_largest),
	};

	RUN("wire/frame", tests);
}
