/* tests/unit/convert/share.c -- equal pages stored once: every reader gives the same pages; flat again, it is the old set. */

#include "tests/unit/convert/sets.h"

#define PAGES 600

static unsigned char *data;

/* Zeros, pages that repeat near and far, and some that are alone. */
static void fill(void)
{
	data = calloc(PAGES, IMG_PAGE);
	for (size_t i = 0; i < PAGES; i++)
		if (i % 7 && i % 11)
			memset(data + i * IMG_PAGE, i % 5 ? (int)(i % 5) : (int)(i % 251), IMG_PAGE - i % 3);
}

static void put(struct img_set *set)
{
	struct iovec iov[2] = { { data, 200 * IMG_PAGE }, { data + 300 * IMG_PAGE, 300 * IMG_PAGE } };
	struct img_pages_writer *w;

	put_inventory(set, 2);
	w = img_pages_create(set, IMG_PAGEMAP, 7, &err);
	assert_non_null(w);
	OK(img_pages_run(w, 0x100000, 200, IMG_RUN_PRESENT, &err));
	OK(img_pages_run(w, 0x100000 + 250 * IMG_PAGE, 20, IMG_RUN_LAZY, &err));
	OK(img_pages_run(w, 0x100000 + 300 * IMG_PAGE, 300, IMG_RUN_PRESENT | IMG_RUN_LAZY, &err));
	OK(img_pages_data(w, iov, 2, &err));
	OK(img_pages_finish(w, &err));
	OK(img_set_seal(set, "test", NULL, &err));
}

static void expect(struct img_set *set, uint64_t most)
{
	unsigned char *got = malloc(PAGES * IMG_PAGE);
	struct img_pages_reader *r;
	const struct img_run *runs;
	uint64_t offset, nr, bytes;
	uint32_t id;
	size_t n;
	int fd;

	GIVES(1, img_pages_open(set, IMG_PAGEMAP, 7, &r, &err));
	OK(img_pages_read(r, 0x100000, 200, got, &err));
	assert_memory_equal(got, data, 200 * IMG_PAGE);
	OK(img_pages_read(r, 0x100000 + 280 * IMG_PAGE, 320, got, &err));
	for (size_t i = 0; i < 20 * IMG_PAGE; i++)
		assert_int_equal(got[i], 0);
	assert_memory_equal(got + 20 * IMG_PAGE, data + 300 * IMG_PAGE, 300 * IMG_PAGE);
	FAILS(IMG_UNSUPPORTED, "lazy", img_pages_read(r, 0x100000 + 250 * IMG_PAGE, 1, got, &err));
	for (uint64_t i = 300; i < PAGES; i += nr) {
		OK(img_pages_locate(r, 0x100000 + i * IMG_PAGE, PAGES - i, &fd, &offset, &nr, &err));
		assert_true(nr > 0);
		for (uint64_t k = 0; fd >= 0 && k < nr; k++) {
			assert_int_equal(pread(fd, got, IMG_PAGE, offset + k * IMG_PAGE), IMG_PAGE);
			assert_memory_equal(got, data + (i + k) * IMG_PAGE, IMG_PAGE);
		}
	}
	img_pages_data_of(r, &id, &bytes);
	assert_true(bytes <= most);
	runs = img_pages_runs(r, &n);
	for (size_t i = 0; i < n; i++)
		assert_true(!(runs[i].flags & IMG_RUN_PRESENT) || runs[i].data_off + runs[i].nr_pages * IMG_PAGE <= bytes);
	img_pages_close(r);
	free(got);
}

static void test_share(void **state)
{
	struct img_set *plain = img_set_create_memory(&err), *shared, *flat;
	char path[300];

	fill();
	put(plain);
	expect(plain, 500 * IMG_PAGE);
	for (int packed = 0; packed < 2; packed++) {
		snprintf(path, sizeof(path), "%s/shared%d", dir, packed);
		assert_int_equal(mkdir(path, 0700), 0);
		shared = img_set_create_dir(AT_FDCWD, path, &err);
		assert_non_null(shared);
		if (packed)
			OK(img_set_compress(shared, NULL, &err));
		OK(img_set_convert(plain, shared, &(struct img_convert_options){ .share = true }, &err));
		img_set_close(shared);
		shared = img_set_open_dir(AT_FDCWD, path, &err);
		assert_non_null(shared);
		GIVES(0, img_set_verify(shared, print, NULL, &err));
		expect(shared, 110 * IMG_PAGE);

		flat = img_set_create_memory(&err);
		FAILS(IMG_UNSUPPORTED, "flatten",
			img_set_convert(shared, flat, &(struct img_convert_options){ .version = IMG_VERSION_1_1 }, &err));
		img_set_close(flat);
		flat = img_set_create_memory(&err);
		OK(img_set_flatten(shared, flat, NULL, &err));
		expect(flat, 500 * IMG_PAGE);
		same_sets(flat, plain);
		img_set_close(flat);
		/* Shared again it is as it was. */
		flat = img_set_create_memory(&err);
		OK(img_set_convert(shared, flat, &(struct img_convert_options){ .share = true }, &err));
		expect(flat, 110 * IMG_PAGE);
		img_set_close(flat);
		img_set_close(shared);
	}
	img_set_close(plain);
	free(data);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_share, setup, teardown),
	};

	RUN("convert/share", tests);
}
