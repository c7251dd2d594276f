/* tests/fuzz/pages.c -- page maps and page data through parents, from a set in a container (container.h): pagemap-1.img and
 * pagemap-shmem-1.img. Pages that are read one by one are those that are read together. */

#include "criuimg/pages.h"
#include "tests/fuzz/container.h"
#include "tests/fuzz/fuzz.h"

#define TOGETHER 16u

static void read_check(struct img_pages_reader *r, uint64_t addr)
{
	static const struct img_err clean = IMG_ERR_INIT;
	unsigned char many[TOGETHER * IMG_PAGE], one[IMG_PAGE];
	struct img_err err = clean;
	uint64_t nr = TOGETHER;
	int ret;

	if (nr > (UINT64_MAX - addr) / IMG_PAGE)
		nr = (UINT64_MAX - addr) / IMG_PAGE;
	ret = img_pages_read(r, addr, nr, many, &err);
	if (ret < 0)
		failure_check(&err);
	for (uint64_t i = 0; i < nr; i++) {
		struct img_err failure = clean;
		uint64_t offset, pages;
		int fd, single = img_pages_read(r, addr + i * IMG_PAGE, 1, one, &failure);

		/* All of them can be read, or one of them cannot. */
		MUST(ret < 0 || single == 0);
		if (ret == 0)
			MUST(!memcmp(many + i * IMG_PAGE, one, IMG_PAGE));
		if (img_pages_locate(r, addr + i * IMG_PAGE, nr - i, &fd, &offset, &pages, &failure) >= 0)
			MUST(pages >= 1 && pages <= nr - i);
	}
}

static void map_check(struct img_set *set, enum img_kind kind)
{
	struct img_err err = IMG_ERR_INIT;
	struct img_pages_reader *r;
	const struct img_run *runs;
	uint64_t floor = 0;
	size_t nr;
	int ret = img_pages_open(set, kind, 1, &r, &err);

	if (ret < 0)
		failure_check(&err);
	if (ret <= 0)
		return;
	runs = img_pages_runs(r, &nr);
	for (size_t i = 0; i < nr; i++) {
		MUST(runs[i].addr >= floor && runs[i].addr % IMG_PAGE == 0 && runs[i].nr_pages);
		MUST(img_pages_find(r, runs[i].addr) == i);
		floor = runs[i].addr + runs[i].nr_pages * IMG_PAGE;
		MUST(floor > runs[i].addr);
		if (i < 8) {
			read_check(r, runs[i].addr);
			read_check(r, runs[i].addr >= 8 * IMG_PAGE ? runs[i].addr - 8 * IMG_PAGE : 0);
			read_check(r, floor - IMG_PAGE);
		}
	}
	img_pages_close(r);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct img_set *set = container_open(data, size);

	map_check(set, IMG_PAGEMAP);
	map_check(set, IMG_SHMEM_PAGEMAP);
	img_set_close(set);
	return 0;
}
