/* tests/kinds/file/position.c -- a position per description: its own, that of a dup, that of another open of the same file. */

#include "tests/harness/subject.h"

static off_t at(int fd)
{
	return lseek(fd, 0, SEEK_CUR);
}

int main(int argc, char **argv)
{
	char buf[10] = "";
	int a, b, c, high;

	subject_begin(argc, argv);
	a = open("data", O_RDWR | O_CREAT, 0644);
	MUST(a >= 0 && write(a, "0123456789", 10) == 10);
	MUST(lseek(a, 4, SEEK_SET) == 4);
	b = dup(a);
	high = fcntl(a, F_DUPFD_CLOEXEC, 300);
	c = open("data", O_RDONLY | O_CLOEXEC);
	MUST(b >= 0 && high >= 300 && c >= 0 && lseek(c, 5000, SEEK_SET) == 5000);
	subject_wait();

	CHECK(at(a) == 4 && at(b) == 4 && at(high) == 4, "positions %ld, %ld, %ld", at(a), at(b), at(high));
	CHECK(at(c) == 5000, "position of the other description is %ld", at(c));
	CHECK(read(b, buf, 3) == 3 && !memcmp(buf, "456", 3), "read '%s'", buf);
	CHECK(at(a) == 7 && at(high) == 7, "the duplicates have parted");
	CHECK(at(c) == 5000, "the other description has joined them");
	CHECK(fcntl(a, F_GETFD) == 0 && fcntl(b, F_GETFD) == 0, "FD_CLOEXEC is set");
	CHECK(fcntl(high, F_GETFD) == FD_CLOEXEC && fcntl(c, F_GETFD) == FD_CLOEXEC, "FD_CLOEXEC is gone");
	return subject_end();
}
