/* tests/kinds/vma/many.c -- tens of thousands of mappings.
 * harness: timeout: 120
 */

#include <sys/mman.h>

#include "tests/harness/subject.h"

enum { PAGE = 4096, NR = 10000 };

int main(int argc, char **argv)
{
	int bad = 0;
	char *mem;

	subject_begin(argc, argv);
	mem = mmap(NULL, 2ul * NR * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	MUST(mem != MAP_FAILED);
	for (long i = 0; i < NR; i++) {
		if (i % 3)
			memset(mem + 2 * i * PAGE, (int)i, PAGE);
		MUST(mprotect(mem + (2 * i + 1) * PAGE, PAGE, PROT_READ) == 0);
	}

	subject_wait();

	for (long i = 0; i < NR; i++)
		for (int k = 0; k < PAGE; k++)
			bad += mem[2 * i * PAGE + k] != (char)(i % 3 ? i : 0);
	CHECK(!bad, "%d bytes differ", bad);
	CHECK(mprotect(mem, 2ul * NR * PAGE, PROT_READ | PROT_WRITE) == 0, "making them one again: %s",
		strerror(errno));
	return subject_end();
}
