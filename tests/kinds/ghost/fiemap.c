/* tests/kinds/ghost/fiemap.c -- the same as sparse.c, where FS_IOC_FIEMAP says what is a hole. */
/* harness: dump: --ghost-fiemap */

#include "tests/harness/subject.h"

enum { MIB = 1 << 20 };

static off_t data_at(int fd, off_t from)
{
	return lseek(fd, from, SEEK_DATA);
}

int main(int argc, char **argv)
{
	struct stat was, is;
	char block[65536], back[65536];
	int holes, only, end;

	subject_begin(argc, argv);
	memset(block, 'x', sizeof(block));
	holes = open("holes", O_RDWR | O_CREAT, 0600);
	MUST(holes >= 0 && ftruncate(holes, 20 * MIB) == 0);
	MUST(pwrite(holes, block, sizeof(block), 3 * MIB) == sizeof(block));
	MUST(pwrite(holes, block, sizeof(block), 3 * MIB + 2 * sizeof(block)) == sizeof(block));
	MUST(pwrite(holes, "last", 4, 20 * MIB - 4) == 4);
	MUST(unlink("holes") == 0 && fsync(holes) == 0 && fstat(holes, &was) == 0);
	if (data_at(holes, 0) == 0)
		subject_skip("the file system here has no holes");
	only = open("only", O_RDWR | O_CREAT, 0600);
	MUST(only >= 0 && ftruncate(only, 8 * MIB) == 0 && unlink("only") == 0);
	end = open("end", O_RDWR | O_CREAT, 0600);
	MUST(end >= 0 && write(end, block, 65536) == 65536 && ftruncate(end, 4 * MIB) == 0 && unlink("end") == 0);
	MUST(lseek(holes, 5, SEEK_SET) == 5 && lseek(end, 0, SEEK_SET) == 0 && lseek(only, 0, SEEK_SET) == 0);
	subject_wait();

	CHECK(lseek(holes, 0, SEEK_CUR) == 5, "position");
	CHECK(fsync(holes) == 0 && fstat(holes, &is) == 0 && is.st_size == was.st_size, "%lld bytes", (long long)is.st_size);
	CHECK(is.st_blocks <= was.st_blocks + 64, "%lld blocks where there were %lld", (long long)is.st_blocks,
		(long long)was.st_blocks);
	CHECK(data_at(holes, 0) == 3 * MIB, "data starts at %lld", (long long)data_at(holes, 0));
	CHECK(pread(holes, back, sizeof(back), 3 * MIB + 2 * sizeof(block)) == sizeof(back) && !memcmp(block, back, sizeof(back)),
		"other content");
	CHECK(pread(holes, back, 100, 20 * MIB - 4) == 4 && !memcmp(back, "last", 4), "the end is lost");
	CHECK(fstat(only, &is) == 0 && is.st_size == 8 * MIB && data_at(only, 0) < 0, "the one that is all hole");
	CHECK(fstat(end, &is) == 0 && is.st_size == 4 * MIB, "the one that ends in a hole: %lld bytes", (long long)is.st_size);
	CHECK(pread(end, back, sizeof(back), 0) == sizeof(back) && !memcmp(block, back, sizeof(back)), "its content");
	return subject_end();
}
