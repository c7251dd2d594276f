/* tests/kinds/ghost/mapped.c -- deleted files that are mapped: shared, private, and open besides. */

#include <sys/mman.h>

#include "tests/harness/subject.h"

enum { SIZE = 4 * 4096 };

static char *map(int fd, int flags)
{
	char *p = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, flags, fd, 0);

	MUST(p != MAP_FAILED);
	return p;
}

static int make(const char *name)
{
	int fd = open(name, O_RDWR | O_CREAT, 0600);

	MUST(fd >= 0 && ftruncate(fd, SIZE) == 0 && pwrite(fd, name, 6, 0) == 6 && pwrite(fd, name, 6, 2 * 4096) == 6);
	return fd;
}

int main(int argc, char **argv)
{
	char *shared, *twice, *private, *kept;
	int fd, open_too;

	subject_begin(argc, argv);
	fd = make("shared");
	shared = map(fd, MAP_SHARED);
	twice = map(fd, MAP_SHARED);
	MUST(close(fd) == 0 && unlink("shared") == 0);
	fd = make("privat");
	private = map(fd, MAP_PRIVATE);
	private[4096] = 'p';
	MUST(close(fd) == 0 && unlink("privat") == 0);
	open_too = make("opened");
	kept = map(open_too, MAP_SHARED);
	MUST(unlink("opened") == 0);
	shared[100] = 's';
	subject_wait();

	CHECK(!memcmp(shared, "shared", 6) && !memcmp(shared + 2 * 4096, "shared", 6) && shared[100] == 's', "shared content");
	shared[200] = 'x';
	CHECK(twice[200] == 'x' && twice[100] == 's', "two mappings of one file have parted");
	CHECK(!memcmp(private, "privat", 6) && !memcmp(private + 2 * 4096, "privat", 6), "private content");
	CHECK(private[4096] == 'p', "a private page");
	kept[300] = 'k';
	CHECK(pread(open_too, &kept[301], 1, 300) == 1 && kept[301] == 'k', "mapping and descriptor have parted");
	return subject_end();
}
