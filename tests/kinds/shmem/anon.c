/* tests/kinds/shmem/anon.c -- shared anonymous memory: of two tasks, partly unmapped, with holes, from /dev/zero. */

#include <sys/mman.h>
#include <sys/wait.h>

#include "tests/harness/subject.h"

enum { PAGE = 4096, PAGES = 16 };

static int page_is(const char *mem, int page, int value)
{
	for (int i = 0; i < PAGE; i++)
		if (mem[page * PAGE + i] != (char)value)
			return 0;
	return 1;
}

int main(int argc, char **argv)
{
	volatile int *words;
	char *mem, *zero;
	int fd, status;
	pid_t pid;

	subject_begin(argc, argv);
	mem = mmap(NULL, PAGES * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	words = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	fd = open("/dev/zero", O_RDWR);
	zero = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	MUST(mem != MAP_FAILED && words != MAP_FAILED && fd >= 0 && zero != MAP_FAILED);
	close(fd);
	memset(mem + 2 * PAGE, 'a', PAGE);
	memset(mem + 9 * PAGE, 'b', PAGE);
	memset(zero, 'z', PAGE);
	pid = fork();
	if (!pid) {
		/* Only the child has the last pages still mapped, and it alone wrote page 15. */
		memset(mem + 15 * PAGE, 'c', PAGE);
		words[0] = 1;
		while (words[1] != 7)
			subject_nap();
		words[2] = 8;
		_exit(page_is(mem, 15, 'c') && page_is(mem, 9, 'b') && page_is(mem, 3, 'n') ? 0 : 1);
	}
	while (!words[0])
		subject_nap();
	/* A hole in the middle; the end cut off; one page read-only. */
	MUST(munmap(mem + 6 * PAGE, PAGE) == 0 && munmap(mem + 12 * PAGE, 4 * PAGE) == 0);
	MUST(mprotect(mem + 9 * PAGE, PAGE, PROT_READ) == 0);

	subject_wait();

	CHECK(page_is(mem, 2, 'a') && page_is(mem, 9, 'b') && page_is(mem, 0, 0) && page_is(mem, 8, 0),
		"contents");
	CHECK(page_is(zero, 0, 'z') && page_is(zero, 1, 0), "memory of /dev/zero");
	memset(mem + 3 * PAGE, 'n', PAGE);
	words[1] = 7;
	CHECK(waitpid(pid, &status, 0) == pid && status == 0, "the child: status %#x", status);
	CHECK(words[2] == 8, "the child's word");
	CHECK(mprotect(mem + 9 * PAGE, PAGE, PROT_READ | PROT_WRITE) == 0, "mprotect: %s", strerror(errno));
	return subject_end();
}
