/* tests/kinds/pages/big.c -- more memory than one thread likes: small pages, huge pages, and a sparse part. */

#include <sys/mman.h>

#include "tests/harness/subject.h"

#define SIZE (96ul << 20)
enum { PAGE = 4096 };

static void fill(char *mem, size_t step, unsigned seed)
{
	for (size_t i = 0; i < SIZE; i += step)
		for (size_t k = 0; k < PAGE; k += sizeof(unsigned long))
			*(unsigned long *)(mem + i + k) = (i + k) * 2654435761u + seed;
}

static long check(const char *mem, size_t step, unsigned seed)
{
	for (size_t i = 0; i < SIZE; i += PAGE)
		for (size_t k = 0; k < PAGE; k += sizeof(unsigned long)) {
			unsigned long want = i % step ? 0 : (i + k) * 2654435761u + seed;

			if (*(const unsigned long *)(mem + i + k) != want)
				return (long)(i + k);
		}
	return -1;
}

int main(int argc, char **argv)
{
	static const size_t steps[] = { PAGE, PAGE, 3 * PAGE };
	char *mem[3];

	subject_begin(argc, argv);
	for (int i = 0; i < 3; i++) {
		mem[i] = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		MUST(mem[i] != MAP_FAILED);
		madvise(mem[i], SIZE, i == 1 ? MADV_HUGEPAGE : MADV_NOHUGEPAGE);
		fill(mem[i], steps[i], i);
	}

	subject_wait();

	for (int i = 0; i < 3; i++) {
		long at = check(mem[i], steps[i], i);

		CHECK(at < 0, "area %d differs at %#lx", i, at);
	}
	return subject_end();
}
