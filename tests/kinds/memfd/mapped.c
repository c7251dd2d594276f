/* tests/kinds/memfd/mapped.c -- memfds that are mapped: with and without a descriptor, shared with a child, private. */

#include <sys/mman.h>
#include <sys/wait.h>

#include "tests/harness/subject.h"

enum { SIZE = 5 * 4096 };

static char *map(int fd, int flags)
{
	char *p = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, flags, fd, 0);

	MUST(p != MAP_FAILED);
	return p;
}

int main(int argc, char **argv)
{
	char *shared, *private, *kept;
	int fd, open_too, status;
	pid_t child;

	subject_begin(argc, argv);
	fd = memfd_create("shared", 0);
	MUST(fd >= 0 && ftruncate(fd, SIZE) == 0);
	shared = map(fd, MAP_SHARED);
	memcpy(shared, "shared", 6);
	close(fd);
	open_too = memfd_create("kept", 0);
	MUST(open_too >= 0 && ftruncate(open_too, SIZE) == 0);
	kept = map(open_too, MAP_SHARED);
	memcpy(kept + 4096, "kept", 4);
	private = map(open_too, MAP_PRIVATE);
	private[0] = 'p';
	child = fork();
	if (child == 0) {
		while (*(volatile char *)&shared[4096] != 'g')
			subject_nap();
		shared[4096] = 'd';
		private[1] = 'c';
		_exit(kept[4096] != 'k' || private[0] != 'p' || private[4097] != 'e');
	}
	MUST(child > 0);
	subject_wait();

	CHECK(!memcmp(shared, "shared", 6), "shared content");
	shared[4096] = 'g';
	CHECK(waitpid(child, &status, 0) == child && status == 0, "the child ends with status %#x", status);
	CHECK(shared[4096] == 'd', "what the child wrote is not here");
	CHECK(private[0] == 'p' && private[1] == 0 && !memcmp(private + 4096, "kept", 4), "private content");
	CHECK(pwrite(open_too, "!", 1, 4096) == 1 && kept[4096] == '!' && private[4096] == '!', "mapping and descriptor");
	return subject_end();
}
