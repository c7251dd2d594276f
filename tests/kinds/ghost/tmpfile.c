/* tests/kinds/ghost/tmpfile.c -- a file that never had a name (O_TMPFILE). */
/* harness: compare: no -- its link has the number of its inode in it, and its flags O_TMPFILE */

#include "tests/harness/subject.h"

int main(int argc, char **argv)
{
	struct stat st;
	char buf[20] = "";
	int fd;

	subject_begin(argc, argv);
	fd = open(".", O_TMPFILE | O_RDWR, 0640);
	if (fd < 0)
		subject_skip("no O_TMPFILE on this file system");
	MUST(write(fd, "temporary", 9) == 9);
	subject_wait();
	CHECK(fstat(fd, &st) == 0 && st.st_nlink == 0 && (st.st_mode & 0777) == 0640, "mode %#o, %d names", st.st_mode,
		(int)st.st_nlink);
	CHECK(lseek(fd, 0, SEEK_CUR) == 9 && pread(fd, buf, 19, 0) == 9 && !strcmp(buf, "temporary"), "'%s'", buf);
	return subject_end();
}
