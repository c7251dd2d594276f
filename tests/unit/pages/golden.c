/* tests/unit/pages/golden.c -- every page map that CRIU wrote opens, its chains of parents included, and all of its pages read. */

#include "tests/unit/golden.h"

#include "criuimg/pages.h"

struct walk {
	struct img_set *set;
	unsigned int maps, runs, in_parent, lazy;
	uint64_t pages;
};

/* The run's pages read the same in one piece and page by page through img_pages_locate(). */
static void check_run(struct walk *walk, struct img_pages_reader *r, const struct img_run *run)
{
	cleanup_free unsigned char *all = malloc(run->nr_pages * IMG_PAGE);
	struct img_err err = IMG_ERR_INIT;
	unsigned char page[IMG_PAGE];
	uint64_t offset, nr;
	int fd;

	walk->runs++;
	if (!(run->flags & (IMG_RUN_PRESENT | IMG_RUN_PARENT))) {
		walk->lazy++;
		FAILS(IMG_UNSUPPORTED, "lazy", img_pages_read(r, run->addr, run->nr_pages, all, &err));
		return;
	}
	walk->in_parent += run->flags & IMG_RUN_PARENT;
	walk->pages += run->nr_pages;
	OK(img_pages_read(r, run->addr, run->nr_pages, all, &err));
	for (uint64_t i = 0; i < run->nr_pages; i++) {
		GIVES(1, img_pages_locate(r, run->addr + i * IMG_PAGE, 1, &fd, &offset, &nr, &err));
		assert_int_equal(nr, 1);
		assert_int_equal(pread(fd, page, IMG_PAGE, offset), IMG_PAGE);
		assert_memory_equal(page, all + i * IMG_PAGE, IMG_PAGE);
	}
}

static int check_file(void *arg, const char *name, struct img_err *err)
{
	const struct img_run *runs;
	struct img_pages_reader *r;
	struct walk *walk = arg;
	enum img_kind kind;
	uint64_t id;
	size_t nr;

	kind = img_kind_by_file(name, &id);
	if (kind != IMG_PAGEMAP && kind != IMG_SHMEM_PAGEMAP)
		return 0;
	if (img_pages_open(walk->set, kind, id, &r, err) != 1)
		return img_wrap(err, "%s", name);
	runs = img_pages_runs(r, &nr);
	for (size_t i = 0; i < nr; i++)
		check_run(walk, r, &runs[i]);
	img_pages_close(r);
	walk->maps++;
	return 0;
}

static void check_set(void *arg, struct img_set *set)
{
	struct img_err err = IMG_ERR_INIT;
	struct walk *walk = arg;

	walk->set = set;
	if (img_set_each(set, check_file, walk, &err))
		fail_msg("%s", err.text);
}

static void test_golden(void **state)
{
	struct walk walk = { 0 };

	golden_each(check_set, &walk);
	print_message("# %u page maps, %u runs, %u in parents, %u lazy, %llu pages\n", walk.maps, walk.runs,
		walk.in_parent, walk.lazy, (unsigned long long)walk.pages);
	assert_true(walk.maps > 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_golden),
	};

	RUN("pages/golden", tests);
}
