/* tests/kinds/pages/private.c -- anonymous private memory: written, untouched, dropped, read-only pages. */

#include <sys/mman.h>

#include "tests/harness/subject.h"

enum {
	PAGES = 512,
	SIZE = 4096,
};

static unsigned char pattern(int page)
{
	return (page * 37 + 11) & 0xff;
}

/* Every fourth page is never touched, the third of four is zeroed, the others hold their pattern. */
static void fill(unsigned char *mem)
{
	for (int i = 0; i < PAGES; i++) {
		if (i % 4 != 3)
			memset(mem + i * SIZE, i % 4 == 2 ? 0 : pattern(i), SIZE);
	}
}

static void check(const unsigned char *mem, const char *what)
{
	for (int i = 0; i < PAGES * SIZE; i++) {
		int page = i / SIZE, want = page % 4 >= 2 ? 0 : pattern(page);

		if (mem[i] != want) {
			CHECK(mem[i] == want, "%s: byte %d is %#x, not %#x", what, i, mem[i], want);
			return;
		}
	}
}

int main(int argc, char **argv)
{
	unsigned char *mem, *fixed;

	subject_begin(argc, argv);
	mem = mmap(NULL, PAGES * SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	fixed = mmap(NULL, PAGES * SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	MUST(mem != MAP_FAILED && fixed != MAP_FAILED);
	fill(mem);
	fill(fixed);
	MUST(mprotect(fixed, PAGES * SIZE, PROT_READ) == 0);

	subject_wait();

	check(mem, "read-write");
	check(fixed, "read-only");
	mem[0]++;
	CHECK(mem[0] == pattern(0) + 1, "the memory cannot be written");
	return subject_end();
}
