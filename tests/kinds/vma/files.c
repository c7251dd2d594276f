/* tests/kinds/vma/files.c -- mapped files: private with a page of one's own, shared for writing and for reading only, offsets. */

#include <sys/mman.h>

#include "tests/harness/subject.h"

enum { PAGE = 4096, PAGES = 8 };

static void pattern(char *page, int seed)
{
	for (int i = 0; i < PAGE; i++)
		page[i] = (char)(seed * 31 + i * 7);
}

static int is_pattern(const char *page, int seed)
{
	for (int i = 0; i < PAGE; i++)
		if (page[i] != (char)(seed * 31 + i * 7))
			return 0;
	return 1;
}

int main(int argc, char **argv)
{
	char *private, *shared, *only_read, *relro, *untouched, byte, page[PAGE];
	int fd, ro;

	subject_begin(argc, argv);
	fd = open("file", O_RDWR | O_CREAT | O_TRUNC, 0644);
	MUST(fd >= 0);
	for (int i = 0; i < PAGES; i++) {
		pattern(page, i);
		MUST(write(fd, page, PAGE) == PAGE);
	}
	ro = open("file", O_RDONLY);
	MUST(ro >= 0);

	private = mmap(NULL, PAGES * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
	untouched = mmap(NULL, 2 * PAGE, PROT_READ | PROT_EXEC, MAP_PRIVATE, ro, PAGE);
	shared = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 4 * PAGE);
	only_read = mmap(NULL, PAGE, PROT_READ, MAP_SHARED, ro, 6 * PAGE);
	relro = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, ro, 2 * PAGE);
	MUST(private != MAP_FAILED && untouched != MAP_FAILED && shared != MAP_FAILED &&
		only_read != MAP_FAILED && relro != MAP_FAILED);
	pattern(private + 3 * PAGE, 100);
	pattern(relro, 101);
	MUST(mprotect(relro, 2 * PAGE, PROT_READ) == 0);
	pattern(shared, 102);
	close(fd);
	close(ro);

	subject_wait();

	for (int i = 0; i < PAGES; i++)
		CHECK(is_pattern(private + i * PAGE, i == 3 ? 100 : i == 4 ? 102 : i), "private page %d", i);
	CHECK(is_pattern(untouched, 1) && is_pattern(untouched + PAGE, 2), "the untouched mapping");
	CHECK(is_pattern(relro, 101) && is_pattern(relro + PAGE, 3), "the mapping that became read-only");
	CHECK(is_pattern(shared, 102) && is_pattern(shared + PAGE, 5), "the shared mapping");
	CHECK(is_pattern(only_read, 6), "the mapping for reading");

	/* Shared is shared with the file, private is not. */
	shared[PAGE] = 'S';
	private[0] = 'P';
	fd = open("file", O_RDONLY);
	CHECK(pread(fd, &byte, 1, 5 * PAGE) == 1 && byte == 'S',
		"a write to the shared mapping is not in the file");
	CHECK(pread(fd, &byte, 1, 0) == 1 && byte == 0, "a write to the private mapping is in the file");
	CHECK(mprotect(only_read, PAGE, PROT_READ | PROT_WRITE) < 0 && errno == EACCES,
		"the mapping of a file opened for reading can be made writable");
	CHECK(mprotect(shared, PAGE, PROT_READ) == 0 && mprotect(shared, PAGE, PROT_READ | PROT_WRITE) == 0,
		"the shared mapping cannot be made writable again");
	return subject_end();
}
