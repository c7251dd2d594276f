/* tests/kinds/vma/many-files.c -- more mapped files than can be open: each mapped twice, shared, readable and writable or not. */

#include <sys/mman.h>

#include "tests/harness/subject.h"

enum { NR = 1500, PAGE = 4096 };

static char *both[NR][2];

int main(int argc, char **argv)
{
	subject_begin(argc, argv);
	MUST(mkdir("files", 0700) == 0);
	for (int i = 0; i < NR; i++) {
		char name[32];
		int fd;

		snprintf(name, sizeof(name), "files/%d", i);
		fd = open(name, O_RDWR | O_CREAT, 0600);
		MUST(fd >= 0 && ftruncate(fd, 2 * PAGE) == 0);
		both[i][0] = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, PAGE);
		both[i][1] = mmap(NULL, 2 * PAGE, i % 2 ? PROT_READ : PROT_NONE, MAP_SHARED, fd, 0);
		MUST(both[i][0] != MAP_FAILED && both[i][1] != MAP_FAILED);
		both[i][0][7] = (char)(i % 100 + 1);
		close(fd);
	}

	subject_wait();

	for (int i = 0; i < NR; i++) {
		CHECK(i % 2 || mprotect(both[i][1], 2 * PAGE, PROT_READ) == 0, "%d: %s", i, strerror(errno));
		CHECK(both[i][0][7] == i % 100 + 1 && both[i][1][PAGE + 7] == i % 100 + 1, "%d: contents", i);
		both[i][0][8] = 'w';
		CHECK(both[i][1][PAGE + 8] == 'w', "%d: it is not shared", i);
	}
	return subject_end();
}
