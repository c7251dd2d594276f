/* tests/unit/pages/pages.c -- page maps and page data: written, found, read, located, through parents. */

#include "tests/unit/imgtest.h"

#include <fcntl.h>
#include <sys/stat.h>

#include "criuimg/manifest.h"
#include "criuimg/pages.h"
#include "pagemap.pb-c.h"
#include "manifest.pb-c.h"

#define P IMG_PAGE

static char *dir;
static struct img_err err;
static unsigned char pages[64 * IMG_PAGE], got[64 * IMG_PAGE];

static int setup(void **state)
{
	err = (struct img_err)IMG_ERR_INIT;
	dir = temp_dir();
	/* Page n is full of n + 1. */
	for (size_t n = 0; n < 64; n++)
		memset(pages + n * P, n + 1, P);
	return 0;
}

static int teardown(void **state)
{
	temp_dir_free(dir);
	return 0;
}

struct run {
	uint64_t addr, nr;
	uint32_t flags;
	int first; /* page of the pattern that the data starts with */
};

static void write_runs(struct img_set *set, uint64_t id, const struct run *runs, size_t nr)
{
	struct img_pages_writer *w = img_pages_create(set, IMG_PAGEMAP, id, &err);

	if (!w)
		fail_msg("%s", err.text);
	for (size_t i = 0; i < nr; i++) {
		struct iovec iov = { pages + runs[i].first * P, runs[i].nr * P };

		OK(img_pages_run(w, runs[i].addr, runs[i].nr, runs[i].flags, &err));
		if (runs[i].flags & IMG_RUN_PRESENT)
			OK(img_pages_data(w, &iov, 1, &err));
	}
	OK(img_pages_finish(w, &err));
}

/* The pages of [addr, ...) are those of the pattern by number, -1 for zeros. */
static void expect_pages(struct img_pages_reader *r, uint64_t addr, const int *want, size_t nr)
{
	memset(got, 0xee, sizeof(got));
	OK(img_pages_read(r, addr, nr, got, &err));
	for (size_t i = 0; i < nr; i++)
		for (size_t k = 0; k < P; k += 511)
			if (got[i * P + k] != (unsigned char)(want[i] + 1))
				fail_msg("page %zu from %#llx: %d, not %d", i, (unsigned long long)addr,
					got[i * P + k] - 1, want[i]);
	assert_int_equal(got[nr * P], 0xee);
}

static const struct run simple[] = {
	{ 0x10000, 2, IMG_RUN_PRESENT, 0 },
	{ 0x12000, 1, IMG_RUN_PRESENT, 2 }, /* goes on: merged */
	{ 0x15000, 1, IMG_RUN_PRESENT | IMG_RUN_LAZY, 3 },
	{ 0x20000, 3, IMG_RUN_PRESENT, 4 },
	{ 0x30000, 2, IMG_RUN_LAZY, 0 },
	{ 0xfffffffffffe0000, 1, IMG_RUN_PRESENT, 7 },
};

static void test_read(void **state)
{
	for (int memory = 0; memory < 2; memory++) {
		struct img_set *set =
			memory ? img_set_create_memory(&err) : img_set_create_dir(AT_FDCWD, dir, &err);
		const struct img_run *runs;
		struct img_pages_reader *r;
		size_t nr;

		GIVES(0, img_pages_open(set, IMG_PAGEMAP, 7, &r, &err));
		assert_null(r);
		write_runs(set, 7, simple, ARRAY_SIZE(simple));
		GIVES(1, img_pages_open(set, IMG_PAGEMAP, 7, &r, &err));
		runs = img_pages_runs(r, &nr);
		assert_int_equal(nr, 5);
		assert_int_equal(runs[0].nr_pages, 3);
		assert_int_equal(runs[1].data_off, 3 * P);
		assert_int_equal(runs[2].data_off, 4 * P);
		assert_int_equal(runs[4].data_off, 7 * P);

		expect_pages(r, 0x10000, (int[]){ 0, 1, 2 }, 3);
		expect_pages(r, 0x11000, (int[]){ 1, 2 }, 2);
		expect_pages(r, 0xf000, (int[]){ -1, 0, 1, 2, -1, -1, 3, -1 }, 8);
		expect_pages(r, 0x12000,
			(int[]){ 2, -1, -1, 3, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, 4, 5, 6, -1 }, 18);
		expect_pages(r, 0x21000, (int[]){ 5 }, 1);
		expect_pages(r, 0, (int[]){ -1, -1 }, 2);
		expect_pages(r, 0x10000, NULL, 0);
		expect_pages(r, 0xfffffffffffdf000, (int[]){ -1, 7, -1 }, 3);
		FAILS(IMG_UNSUPPORTED, "page at 0x30000 is lazy", img_pages_read(r, 0x2f000, 3, got, &err));
		FAILS(IMG_USAGE, "no range", img_pages_read(r, 0x10001, 1, got, &err));
		FAILS(IMG_USAGE, "no range", img_pages_read(r, 0xfffffffffffff000, 1, got, &err));

		assert_int_equal(img_pages_find(r, 0), 0);
		assert_int_equal(img_pages_find(r, 0x12fff), 0);
		assert_int_equal(img_pages_find(r, 0x13000), 1);
		assert_int_equal(img_pages_find(r, 0x20000), 2);
		assert_int_equal(img_pages_find(r, 0x23000), 3);
		assert_int_equal(img_pages_find(r, UINT64_MAX), 5);
		img_pages_close(r);
		img_set_close(set);
	}
	img_pages_close(NULL);
}

static void test_locate(void **state)
{
	struct img_set *set = img_set_create_dir(AT_FDCWD, dir, &err);
	struct img_pages_reader *r;
	uint64_t offset, nr;
	int fd;

	write_runs(set, 7, simple, ARRAY_SIZE(simple));
	GIVES(1, img_pages_open(set, IMG_PAGEMAP, 7, &r, &err));
	GIVES(1, img_pages_locate(r, 0x21000, 100, &fd, &offset, &nr, &err));
	assert_int_equal(nr, 2);
	assert_int_equal(offset, 5 * P);
	assert_int_equal(pread(fd, got, P, offset), P);
	assert_int_equal(*got, 6);
	GIVES(1, img_pages_locate(r, 0x20000, 1, &fd, &offset, &nr, &err));
	assert_int_equal(nr, 1);
	GIVES(0, img_pages_locate(r, 0x13000, 100, &fd, &offset, &nr, &err));
	assert_int_equal(nr, 2);
	GIVES(0, img_pages_locate(r, 0xffffffffffff0000, 7, &fd, &offset, &nr, &err));
	assert_int_equal(nr, 7);
	GIVES(0, img_pages_locate(r, 0x10000, 0, &fd, &offset, &nr, &err));
	FAILS(IMG_UNSUPPORTED, "lazy", img_pages_locate(r, 0x31000, 1, &fd, &offset, &nr, &err));
	img_pages_close(r);
	img_set_close(set);

	set = img_set_create_memory(&err);
	write_runs(set, 7, simple, ARRAY_SIZE(simple));
	GIVES(1, img_pages_open(set, IMG_PAGEMAP, 7, &r, &err));
	GIVES(0, img_pages_locate(r, 0x21000, 100, &fd, &offset, &nr, &err));
	assert_int_equal(nr, 2);
	img_pages_close(r);
	img_set_close(set);
}

static struct img_set *child_set(struct img_set *above, const char *name, const char *parent)
{
	struct img_set *set;

	assert_int_equal(mkdirat(img_set_dirfd(above), name, 0700), 0);
	set = img_set_create_dir(img_set_dirfd(above), name, &err);
	if (parent)
		OK(img_set_link_parent(set, parent, &err));
	return set;
}

static void test_parents(void **state)
{
	static const struct run first[] = { { 0x10000, 4, IMG_RUN_PRESENT, 0 },
		{ 0x20000, 1, IMG_RUN_LAZY, 0 } };
	static const struct run second[] = { { 0x10000, 1, IMG_RUN_PARENT, 0 },
		{ 0x11000, 1, IMG_RUN_PRESENT, 10 }, { 0x12000, 2, IMG_RUN_PARENT, 0 } };
	static const struct run third[] = { { 0x10000, 3, IMG_RUN_PARENT, 0 },
		{ 0x13000, 1, IMG_RUN_PRESENT, 20 }, { 0x14000, 1, IMG_RUN_PARENT, 0 } /* nowhere */ };
	struct img_set *top = img_set_create_dir(AT_FDCWD, dir, &err), *set[4];
	struct img_pages_reader *r;
	uint64_t offset, nr;
	int fd;

	set[0] = child_set(top, "1", NULL);
	set[1] = child_set(top, "2", "../1");
	set[2] = child_set(top, "3", "../2");
	set[3] = child_set(top, "4", "../none");
	write_runs(set[0], 7, first, ARRAY_SIZE(first));
	write_runs(set[1], 7, second, ARRAY_SIZE(second));
	write_runs(set[2], 7, third, ARRAY_SIZE(third));
	write_runs(set[2], 8, third, ARRAY_SIZE(third));
	write_runs(set[3], 7, third, ARRAY_SIZE(third));

	GIVES(1, img_pages_open(set[2], IMG_PAGEMAP, 7, &r, &err));
	expect_pages(r, 0x10000, (int[]){ 0, 10, 2, 20 }, 4);
	expect_pages(r, 0xf000, (int[]){ -1, 0, 10, 2, 20 }, 5);
	FAILS(IMG_CORRUPT, "no page at 0x14000", img_pages_read(r, 0x10000, 5, got, &err));
	GIVES(1, img_pages_locate(r, 0x10000, 10, &fd, &offset, &nr, &err));
	assert_int_equal(nr, 1);
	assert_int_equal(offset, 0);
	GIVES(1, img_pages_locate(r, 0x11000, 10, &fd, &offset, &nr, &err));
	assert_int_equal(nr, 1);
	GIVES(1, img_pages_locate(r, 0x12000, 10, &fd, &offset, &nr, &err));
	assert_int_equal(nr, 1);
	assert_int_equal(offset, 2 * P);
	FAILS(IMG_CORRUPT, "no page at 0x14000", img_pages_locate(r, 0x14000, 1, &fd, &offset, &nr, &err));
	img_pages_close(r);

	FAILS(IMG_CORRUPT, "no such map", img_pages_open(set[2], IMG_PAGEMAP, 8, &r, &err));
	FAILS(IMG_CORRUPT, "there is none", img_pages_open(set[3], IMG_PAGEMAP, 7, &r, &err));
	for (int i = 0; i < 4; i++)
		img_set_close(set[i]);
	img_set_close(top);
}

/* Entries as older writers made them. */
static void test_old_entries(void **state)
{
	struct img_set *set = img_set_create_memory(&err);
	PagemapHead head = PAGEMAP_HEAD__INIT;
	PagemapEntry e = PAGEMAP_ENTRY__INIT;
	struct img_writer *w = img_writer_create(set, IMG_PAGEMAP, 7, &err);
	struct img_sink *sink = img_set_sink(set, "pages-9.img", &err);
	const struct img_run *runs;
	struct img_pages_reader *r;
	size_t nr;

	head.pages_id = 9;
	OK(img_write(w, &head.base, &err));
	e.vaddr = 0x10000;
	e.compat_nr_pages = 2;
	OK(img_write(w, &e.base, &err)); /* no flags: present */
	e.vaddr = 0x12000;
	e.has_in_parent = true;
	OK(img_write(w, &e.base, &err)); /* not in_parent: present */
	e.vaddr = 0x14000;
	e.compat_nr_pages = 0;
	OK(img_write(w, &e.base, &err)); /* of nothing */
	OK(img_writer_finish(w, &err));
	OK(img_sink_write(sink, pages, 4 * P, &err));
	OK(img_sink_finish(sink, &err));
	GIVES(1, img_pages_open(set, IMG_PAGEMAP, 7, &r, &err));
	runs = img_pages_runs(r, &nr);
	assert_int_equal(nr, 2);
	assert_int_equal(runs[1].flags, IMG_RUN_PRESENT);
	expect_pages(r, 0x10000, (int[]){ 0, 1, 2, 3 }, 4);
	img_pages_close(r);

	w = img_writer_create(set, IMG_PAGEMAP, 8, &err);
	OK(img_write(w, &head.base, &err));
	e.compat_nr_pages = 1;
	e.in_parent = true;
	OK(img_write(w, &e.base, &err));
	OK(img_writer_finish(w, &err));
	FAILS(IMG_CORRUPT, "there is none", img_pages_open(set, IMG_PAGEMAP, 8, &r, &err));
	img_set_close(set);
}

/* Data that is missing or short is found when the map is opened. */
static void test_data_missing(void **state)
{
	struct img_set *set = img_set_create_dir(AT_FDCWD, dir, &err);
	struct img_pages_reader *r;

	write_runs(set, 7, simple, ARRAY_SIZE(simple));
	write_runs(set, 8, simple + 4, 1); /* lazy only */
	assert_int_equal(unlinkat(img_set_dirfd(set), "pages-2.img", 0), 0);
	GIVES(1, img_pages_open(set, IMG_PAGEMAP, 8, &r, &err));
	img_pages_close(r);
	assert_int_equal(
		ftruncate(openat(img_set_dirfd(set), "pages-1.img", O_RDWR | O_CLOEXEC), 8 * P - 1), 0);
	FAILS(IMG_CORRUPT, "pages-1.img: 32767 bytes, pagemap-7.img needs 32768",
		img_pages_open(set, IMG_PAGEMAP, 7, &r, &err));
	assert_int_equal(unlinkat(img_set_dirfd(set), "pages-1.img", 0), 0);
	FAILS(IMG_CORRUPT, "pages-1.img: not there", img_pages_open(set, IMG_PAGEMAP, 7, &r, &err));
	FAILS(IMG_USAGE, "no page map", img_pages_open(set, IMG_CORE, 7, &r, &err));
	img_set_close(set);
}

static void test_refused(void **state)
{
	struct img_set *set = img_set_create_memory(&err);
	struct img_pages_writer *w = img_pages_create(set, IMG_SHMEM_PAGEMAP, 1, &err);
	struct iovec iov = { pages, P };

	OK(img_pages_run(w, 0x2000, 2, IMG_RUN_PRESENT, &err));
	OK(img_pages_run(w, 0, 0, IMG_RUN_PRESENT, &err));
	FAILS(IMG_USAGE, "ends at 0x4000", img_pages_run(w, 0x3000, 1, IMG_RUN_PRESENT, &err));
	FAILS(IMG_USAGE, "", img_pages_run(w, 0x4001, 1, IMG_RUN_PRESENT, &err));
	FAILS(IMG_USAGE, "", img_pages_run(w, 0x4000, UINT64_MAX / P, IMG_RUN_PRESENT, &err));
	FAILS(IMG_USAGE, "flags", img_pages_run(w, 0x4000, 1, 0, &err));
	FAILS(IMG_USAGE, "flags", img_pages_run(w, 0x4000, 1, 8, &err));
	FAILS(IMG_USAGE, "flags", img_pages_run(w, 0x4000, 1, IMG_RUN_PRESENT | IMG_RUN_PARENT, &err));
	assert_int_equal(img_pages_written(w), 2);
	OK(img_pages_data(w, &iov, 1, &err));
	FAILS(IMG_USAGE, "4096 bytes of data for 2 pages", img_pages_finish(w, &err));
	GIVES(0, img_set_has(set, "pages-1.img", &err));
	GIVES(0, img_set_has(set, "pagemap-shmem-1.img", &err));

	FAILS_NULL(IMG_USAGE, "no page map", img_pages_create(set, IMG_CORE, 1, &err));
	img_pages_abort(NULL);
	w = img_pages_create(set, IMG_SHMEM_PAGEMAP, 1, &err);
	FAILS(IMG_UNSUPPORTED, "plain file", img_pages_data_fd(w, &(uint64_t){ 0 }, &err));
	img_pages_abort(w);
	img_set_close(set);
}

/* Bytes that go around the library: in place, and digested where the mover says how. */
static void test_moved(void **state)
{
	for (int digested = 0; digested < 2; digested++) {
		struct img_set *set = img_set_create_dir(AT_FDCWD, dir, &err);
		struct img_pages_writer *w = img_pages_create(set, IMG_PAGEMAP, 7, &err);
		unsigned char digest[IMG_DIGEST_SIZE];
		struct iovec iov = { pages, P };
		struct img_pages_reader *r;
		ManifestEntry *m;
		uint64_t offset;
		int fd;

		OK(img_pages_run(w, 0x10000, 4, IMG_RUN_PRESENT, &err));
		OK(img_pages_data(w, &iov, 1, &err));
		OK(fd = img_pages_data_fd(w, &offset, &err));
		assert_int_equal(offset, P);
		assert_int_equal(pwrite(fd, pages + P, 2 * P, offset), 2 * P);
		OK(img_pages_data_moved(w, 2 * P, &err));
		iov.iov_base = pages + 3 * P;
		OK(img_pages_data(w, &iov, 1, &err));
		img_digest_block(pages, 4 * P, digest);
		if (digested)
			OK(img_pages_block_digest(w, 0, digest, &err));
		OK(img_pages_finish(w, &err));
		OK(img_set_seal(set, "test", NULL, &err));

		GIVES(1, img_manifest_read(set, &m, &err));
		assert_string_equal(m->members[1]->name, "pages-1.img");
		assert_int_equal(m->members[1]->size, 4 * P);
		assert_int_equal(m->members[1]->digest.len, digested ? IMG_DIGEST_SIZE : 0);
		assert_int_equal(m->members[0]->digest.len, IMG_DIGEST_SIZE);
		img_message_free(&m->base);
		GIVES(0, img_set_verify(set, NULL, NULL, &err));
		GIVES(1, img_pages_open(set, IMG_PAGEMAP, 7, &r, &err));
		expect_pages(r, 0x10000, (int[]){ 0, 1, 2, 3 }, 4);
		img_pages_close(r);
		img_set_close(set);
	}
}

/* Many small runs: one read takes several batches. */
static void test_many_runs(void **state)
{
	struct img_set *set = img_set_create_dir(AT_FDCWD, dir, &err);
	struct img_pages_writer *w = img_pages_create(set, IMG_PAGEMAP, 7, &err);
	cleanup_free unsigned char *all = malloc(3000 * P);
	struct img_pages_reader *r;

	/* Every other page, and every seventh of them twice as long. */
	for (uint64_t i = 0; i < 1000; i++) {
		struct iovec iov = { pages + i % 60 * P, (i % 7 ? 1 : 2) * P };

		OK(img_pages_run(w, i * 3 * P, i % 7 ? 1 : 2, IMG_RUN_PRESENT, &err));
		OK(img_pages_data(w, &iov, 1, &err));
	}
	OK(img_pages_finish(w, &err));
	GIVES(1, img_pages_open(set, IMG_PAGEMAP, 7, &r, &err));
	for (uint64_t page = 0; page < 3100; page++) {
		uint64_t i = page / 3, k = page % 3;

		assert_int_equal(img_pages_find(r, page * P + 5), i >= 1000		? 1000
								  : k < (i % 7 ? 1 : 2) ? i
											: i + 1);
	}
	for (uint64_t start = 0; start < 4; start++) {
		memset(all, 0xee, 3000 * P);
		OK(img_pages_read(r, start * P, 3000 - start, all, &err));
		for (uint64_t page = start; page < 3000; page++) {
			uint64_t i = page / 3, k = page % 3;
			unsigned char want = k < (i % 7 ? 1 : 2) ? i % 60 + k + 1 : 0;

			assert_int_equal(all[(page - start) * P], want);
			assert_int_equal(all[(page - start) * P + P - 1], want);
		}
	}
	img_pages_close(r);
	img_set_close(set);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_read, setup, teardown),
		cmocka_unit_test_setup_teardown(test_locate, setup, teardown),
		cmocka_unit_test_setup_teardown(test_parents, setup, teardown),
		cmocka_unit_test_setup_teardown(test_old_entries, setup, teardown),
		cmocka_unit_test_setup_teardown(test_data_missing, setup, teardown),
		cmocka_unit_test_setup_teardown(test_refused, setup, teardown),
		cmocka_unit_test_setup_teardown(test_moved, setup, teardown),
		cmocka_unit_test_setup_teardown(test_many_runs, setup, teardown),
	};

	RUN("pages/pages", tests);
}
