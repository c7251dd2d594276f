/* tests/kinds/memfd/content.c -- memfds: content, holes, size, position, two descriptions of one, attributes. */

#include <sys/mman.h>

#include "tests/harness/subject.h"

int main(int argc, char **argv)
{
	static char text[100000], back[100001];
	struct stat st;
	char path[40];
	int fd, again, empty, holes;

	subject_begin(argc, argv);
	for (size_t i = 0; i < sizeof(text); i++)
		text[i] = (char)(i * 11 + i / 509);
	fd = memfd_create("name with space", MFD_CLOEXEC);
	MUST(fd >= 0 && write(fd, text, sizeof(text)) == sizeof(text) && lseek(fd, 10, SEEK_SET) == 10);
	MUST(fchmod(fd, 0640) == 0);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	again = open(path, O_RDONLY);
	empty = memfd_create("", 0);
	holes = memfd_create("holes", 0);
	MUST(again >= 0 && empty >= 0 && holes >= 0 && ftruncate(holes, 64 << 20) == 0);
	MUST(pwrite(holes, "x", 1, 20 << 20) == 1);
	subject_wait();

	CHECK(lseek(fd, 0, SEEK_CUR) == 10 && lseek(again, 0, SEEK_CUR) == 0, "positions");
	CHECK(read(again, back, sizeof(back)) == sizeof(text) && !memcmp(text, back, sizeof(text)), "content");
	CHECK(pwrite(fd, "!", 1, 0) == 1 && pread(again, back, 1, 0) == 1 && back[0] == '!', "two files of one");
	CHECK(write(again, "x", 1) < 0 && errno == EBADF, "the one for reading can be written");
	CHECK(fstat(fd, &st) == 0 && (st.st_mode & 0777) == 0640, "mode %#o", st.st_mode);
	CHECK(fcntl(fd, F_GETFD) == FD_CLOEXEC && fcntl(empty, F_GETFD) == 0, "FD_CLOEXEC");
	CHECK(fcntl(fd, F_GET_SEALS) == F_SEAL_SEAL, "seals %#x", fcntl(fd, F_GET_SEALS));
	CHECK(fstat(empty, &st) == 0 && st.st_size == 0, "the empty one");
	CHECK(fstat(holes, &st) == 0 && st.st_size == 64 << 20 && st.st_blocks < 1000, "%lld bytes, %lld blocks",
		(long long)st.st_size, (long long)st.st_blocks);
	CHECK(pread(holes, back, 1, 20 << 20) == 1 && back[0] == 'x', "the one with holes");
	return subject_end();
}
