/* tests/kinds/memfd/seals.c -- seals, and what they stand in the way of. */

#include <sys/mman.h>

#include "tests/harness/subject.h"

#ifndef F_SEAL_FUTURE_WRITE
#define F_SEAL_FUTURE_WRITE 0x10
#endif

enum { SIZE = 8192 };

static int make(const char *name)
{
	int fd = memfd_create(name, MFD_ALLOW_SEALING);

	MUST(fd >= 0 && ftruncate(fd, SIZE) == 0 && write(fd, name, strlen(name)) > 0);
	return fd;
}

int main(int argc, char **argv)
{
	int none, size, all, future;
	char *map, buf[10] = "";

	subject_begin(argc, argv);
	none = make("none");
	size = make("size");
	MUST(fcntl(size, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW) == 0);
	all = make("all");
	MUST(fcntl(all, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL) == 0);
	future = make("future");
	map = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, future, 0);
	MUST(map != MAP_FAILED && fcntl(future, F_ADD_SEALS, F_SEAL_FUTURE_WRITE) == 0);
	subject_wait();

	CHECK(fcntl(none, F_GET_SEALS) == 0 && ftruncate(none, 100) == 0, "seals %#x where there were none",
		fcntl(none, F_GET_SEALS));
	CHECK(ftruncate(size, 100) < 0 && errno == EPERM && write(size, "x", 1) == 1, "seals of the size");
	CHECK(fcntl(size, F_ADD_SEALS, F_SEAL_WRITE) == 0, "no seal can be added: %s", strerror(errno));
	CHECK(write(all, "x", 1) < 0 && errno == EPERM, "the sealed one can be written");
	CHECK(fcntl(all, F_ADD_SEALS, F_SEAL_WRITE) < 0 && errno == EPERM, "seals of the seals");
	CHECK(pread(all, buf, 3, 0) == 3 && !strcmp(buf, "all"), "content '%s'", buf);
	CHECK(fcntl(future, F_GET_SEALS) == F_SEAL_FUTURE_WRITE && write(future, "x", 1) < 0, "the seal against new writers");
	map[100] = 'm';
	CHECK(pread(future, buf, 1, 100) == 1 && buf[0] == 'm', "the writer from before");
	return subject_end();
}
