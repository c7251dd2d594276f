/* tests/kinds/vma/thousands.c -- tens of thousands of mappings, each with a page of its own; and as many of a file.
 *
 * harness: compare: no
 * harness: timeout: 60
 */

#include <sys/mman.h>

#include "tests/harness/subject.h"

enum { NR = 25000, PAGE = 4096 };

int main(int argc, char **argv)
{
	char *area, *file;
	int fd;

	subject_begin(argc, argv);
	area = mmap(NULL, (size_t)NR * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	fd = open("thousands", O_RDWR | O_CREAT | O_EXCL, 0600);
	MUST(area != MAP_FAILED && fd >= 0 && ftruncate(fd, (off_t)NR * PAGE) == 0);
	file = mmap(NULL, (size_t)NR * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	MUST(file != MAP_FAILED);
	for (int i = 0; i < NR; i++) {
		area[(size_t)i * PAGE] = i % 100 + 1;
		file[(size_t)i * PAGE] = i % 99 + 1;
		if (i % 2)
			MUST(mprotect(area + (size_t)i * PAGE, PAGE, PROT_READ) == 0 &&
				mprotect(file + (size_t)i * PAGE, PAGE, PROT_READ) == 0);
	}
	close(fd);

	subject_wait();

	for (int i = 0; i < NR; i++)
		CHECK(area[(size_t)i * PAGE] == i % 100 + 1 && file[(size_t)i * PAGE] == i % 99 + 1, "page %d", i);
	return subject_end();
}
