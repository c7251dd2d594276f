/* tests/unit/wire/digest.c -- digests by blocks: however the bytes come, the same value; unseen blocks make it unknown. */

#include "tests/unit/imgtest.h"

#include "criuimg/digest.h"

#define B IMG_DIGEST_BLOCK

static unsigned char *data;

/* What criuimg/digest.h says, straight. */
static void expected(size_t size, unsigned char *digest)
{
	unsigned char list[16 * IMG_DIGEST_SIZE];
	size_t nr = 0;

	if (size <= B) {
		img_digest_block(data, size, digest);
		return;
	}
	for (size_t at = 0; at < size; at += B)
		img_digest_block(data + at, size - at < B ? size - at : B, list + IMG_DIGEST_SIZE * nr++);
	img_digest_block(list, nr * IMG_DIGEST_SIZE, digest);
}

/* XXH3-128 of nothing, as published with the algorithm. */
static void test_empty(void **state)
{
	static const unsigned char known[] = { 0x99, 0xaa, 0x06, 0xd3, 0x01, 0x47, 0x98, 0xd8, 0x60, 0x01,
		0xc3, 0x24, 0x46, 0x8d, 0x49, 0x7f };
	unsigned char digest[IMG_DIGEST_SIZE];
	struct img_err err = IMG_ERR_INIT;
	struct img_digest *d = img_digest_new(&err);

	assert_true(img_digest_final(d, digest));
	assert_memory_equal(digest, known, sizeof(known));
	img_digest_free(d);
	img_digest_free(NULL);
}

/* One object for several, one after the other, whatever it was in the middle of. */
static void test_reset(void **state)
{
	unsigned char got[IMG_DIGEST_SIZE], want[IMG_DIGEST_SIZE];
	struct img_err err = IMG_ERR_INIT;
	struct img_digest *d = img_digest_new(&err);

	OK(img_digest_update(d, data, B + 9, &err));
	OK(img_digest_pass(d, 5, &err));
	assert_false(img_digest_final(d, got));
	for (size_t size = 100; size < 3 * B; size += B + 1) {
		img_digest_reset(d);
		OK(img_digest_update(d, data, size, &err));
		assert_true(img_digest_final(d, got));
		expected(size, want);
		assert_memory_equal(got, want, sizeof(got));
	}
	img_digest_free(d);
}

static void test_sizes(void **state)
{
	static const size_t sizes[] = { 1, 100, B - 1, B, B + 1, 2 * B - 1, 2 * B, 2 * B + 1, 3 * B };
	static const size_t steps[] = { 4095, 65536, B, 3 * B };

	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++)
		for (size_t s = 0; s < ARRAY_SIZE(steps); s++) {
			unsigned char got[IMG_DIGEST_SIZE], want[IMG_DIGEST_SIZE];
			struct img_err err = IMG_ERR_INIT;
			struct img_digest *d = img_digest_new(&err);

			for (size_t at = 0; at < sizes[i]; at += steps[s])
				OK(img_digest_update(d, data + at,
					sizes[i] - at < steps[s] ? sizes[i] - at : steps[s], &err));
			assert_true(img_digest_final(d, got));
			expected(sizes[i], want);
			assert_memory_equal(got, want, sizeof(got));
			img_digest_free(d);
		}
}

/* Parts that are passed unseen: unknown unless the digests of their blocks are given, early or late. */
static void test_unseen(void **state)
{
	static const struct {
		size_t seen, unseen, seen_after;
	} rows[] = {
		{ 0, 100, 0 },
		{ 100, B - 100, 0 },
		{ 0, B, 0 },
		{ B, B, B },
		{ B + 7, 2 * B, 100 },
		{ 2 * B, 1, 5 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		for (int give = 0; give < 3; give++) {
			size_t size = rows[i].seen + rows[i].unseen + rows[i].seen_after;
			unsigned char got[IMG_DIGEST_SIZE], want[IMG_DIGEST_SIZE];
			struct img_err err = IMG_ERR_INIT;
			struct img_digest *d = img_digest_new(&err);

			for (int turn = 1; turn <= 2; turn++) {
				for (size_t at = 0; give == turn && at < size; at += B) {
					img_digest_block(data + at, size - at < B ? size - at : B, want);
					OK(img_digest_give(d, at / B, want, &err));
				}
				if (turn == 2)
					break;
				OK(img_digest_update(d, data, rows[i].seen, &err));
				OK(img_digest_pass(d, rows[i].unseen, &err));
				OK(img_digest_update(
					d, data + rows[i].seen + rows[i].unseen, rows[i].seen_after, &err));
			}
			assert_int_equal(img_digest_final(d, got), give > 0);
			expected(size, want);
			if (give)
				assert_memory_equal(got, want, sizeof(got));
			img_digest_free(d);
		}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_empty),
		cmocka_unit_test(test_sizes),
		cmocka_unit_test(test_unseen),
		cmocka_unit_test(test_reset),
	};

	data = malloc(3 * B + 1);
	for (size_t i = 0; i < 3 * B + 1; i++)
		data[i] = i * 31 + i / 4099;
	RUN("wire/digest", tests);
}
