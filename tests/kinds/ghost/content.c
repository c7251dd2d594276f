/* tests/kinds/ghost/content.c -- deleted files: content, attributes, two descriptions of one, an empty one. */

#include "tests/harness/subject.h"

int main(int argc, char **argv)
{
	static char text[100000], back[100001];
	struct timespec times[2] = { { 1000000000, 123456000 }, { 1100000000, 654321000 } };
	struct stat st;
	int file, again, path, empty, writeonly;

	subject_begin(argc, argv);
	for (size_t i = 0; i < sizeof(text); i++)
		text[i] = (char)(i * 11 + i / 509);
	file = open("file", O_RDWR | O_CREAT, 0600);
	again = open("file", O_RDONLY);
	path = open("file", O_PATH);
	MUST(file >= 0 && again >= 0 && path >= 0 && write(file, text, sizeof(text)) == sizeof(text));
	MUST(lseek(file, 77, SEEK_SET) == 77 && fchmod(file, 04751) == 0 && fchown(file, 1234, 5678) == 0);
	MUST(fchmod(file, 04751) == 0 && futimens(file, times) == 0 && unlink("file") == 0);
	empty = open("empty", O_RDWR | O_CREAT, 0600);
	MUST(empty >= 0 && unlink("empty") == 0);
	writeonly = open("writeonly", O_WRONLY | O_CREAT | O_APPEND, 0600);
	MUST(writeonly >= 0 && write(writeonly, "abc", 3) == 3 && unlink("writeonly") == 0);
	subject_wait();

	CHECK(fstat(file, &st) == 0 && st.st_nlink == 0, "it has %d names", (int)st.st_nlink);
	CHECK((st.st_mode & 07777) == 04751, "mode %#o", st.st_mode);
	CHECK(st.st_uid == 1234 && st.st_gid == 5678, "owner %u:%u", st.st_uid, st.st_gid);
	CHECK(st.st_atim.tv_sec == 1000000000 && st.st_mtim.tv_sec == 1100000000, "times %ld, %ld", st.st_atim.tv_sec,
		st.st_mtim.tv_sec);
	CHECK(st.st_mtim.tv_nsec == 654321000, "the modification time has lost its parts of a second");
	CHECK(lseek(file, 0, SEEK_CUR) == 77 && lseek(again, 0, SEEK_CUR) == 0, "positions");
	CHECK(read(again, back, sizeof(back)) == sizeof(text) && !memcmp(text, back, sizeof(text)), "other content");
	CHECK(pwrite(file, "!", 1, 0) == 1 && pread(again, back, 1, 0) == 1 && back[0] == '!', "two files have become of one");
	CHECK(fstatat(path, "", &st, AT_EMPTY_PATH) == 0 && st.st_size == sizeof(text), "O_PATH leads elsewhere");
	CHECK(fstat(empty, &st) == 0 && st.st_size == 0 && st.st_nlink == 0, "the empty one");
	CHECK(write(writeonly, "def", 3) == 3 && fstat(writeonly, &st) == 0 && st.st_size == 6, "the one for writing only");
	CHECK(access("file", F_OK) < 0 && access("empty", F_OK) < 0 && access("writeonly", F_OK) < 0, "a name is back");
	return subject_end();
}
