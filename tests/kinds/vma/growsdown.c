/* tests/kinds/vma/growsdown.c -- the stack, and a mapping like one (MAP_GROWSDOWN): both still grow. */

#include <sys/mman.h>

#include "tests/harness/subject.h"

enum { PAGE = 4096, PAGES = 4, DEEP = 200 };

static int deep(int n)
{
	volatile char room[PAGE];

	room[0] = (char)n;
	room[PAGE - 1] = 1;
	return n ? deep(n - 1) + room[PAGE - 1] : room[0];
}

int main(int argc, char **argv)
{
	char *area, *grows;
	int sum;

	subject_begin(argc, argv);
	/* Free room below for it to grow into: more than the kernel's gap of 256 pages. */
	area = mmap(NULL, 1024 * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	MUST(area != MAP_FAILED);
	MUST(munmap(area, 1024 * PAGE) == 0);
	grows = mmap(area + (1024 - PAGES) * PAGE, PAGES * PAGE, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_GROWSDOWN | MAP_FIXED_NOREPLACE, -1, 0);
	MUST(grows != MAP_FAILED);
	memset(grows, 'g', PAGES * PAGE);
	grows[-PAGE] = 'h';

	subject_wait();

	CHECK(grows[-PAGE] == 'h', "the page it grew by: %d", grows[-PAGE]);
	for (int i = 0; i < PAGES * PAGE; i++)
		if (grows[i] != 'g') {
			CHECK(grows[i] == 'g', "byte %d", i);
			break;
		}
	grows[-3 * PAGE] = 'i';
	CHECK(grows[-3 * PAGE] == 'i' && grows[-2 * PAGE] == 0, "it does not grow");
	sum = deep(DEEP);
	CHECK(sum == DEEP, "the stack: %d", sum);
	return subject_end();
}
