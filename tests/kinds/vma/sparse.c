/* tests/kinds/vma/sparse.c -- tens of TiB of reserved addresses, with a few pages used here and there; and more of them than RLIMIT_AS
 * allows by now. */

#include <sys/mman.h>
#include <sys/resource.h>

#include "tests/harness/subject.h"

#define TIB (1ull << 40)

static const struct {
	uint64_t size;
	int prot, flags;
} areas[] = {
	{ 40 * TIB, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE },
	{ 20 * TIB, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE },
	{ 2 * TIB, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE },
};
enum { AREAS = sizeof(areas) / sizeof(areas[0]), PAGES = 20 };

static char *page_of(char *area, uint64_t size, unsigned i)
{
	return area + size / PAGES / 4096 * 4096 * i;
}

int main(int argc, char **argv)
{
	struct rlimit limit = { 100 << 20, RLIM_INFINITY };
	char *at[AREAS];

	subject_begin(argc, argv);
	for (int a = 0; a < AREAS; a++) {
		at[a] = mmap(NULL, areas[a].size, areas[a].prot, areas[a].flags, -1, 0);
		if (at[a] == MAP_FAILED)
			subject_skip("no such address space here");
		for (unsigned i = 0; i < PAGES; i++) {
			if (!areas[a].prot)
				MUST(mprotect(page_of(at[a], areas[a].size, i), 4096, PROT_READ | PROT_WRITE) == 0);
			*page_of(at[a], areas[a].size, i) = 'a' + i;
		}
	}
	MUST(setrlimit(RLIMIT_AS, &limit) == 0);

	subject_wait();

	for (int a = 0; a < AREAS; a++)
		for (unsigned i = 0; i < PAGES; i++)
			CHECK(*page_of(at[a], areas[a].size, i) == (char)('a' + i), "area %d: page %u", a, i);
	CHECK(getrlimit(RLIMIT_AS, &limit) == 0 && limit.rlim_cur == 100 << 20, "the limit is another one");
	CHECK(mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED, "the limit does not count");
	return subject_end();
}
