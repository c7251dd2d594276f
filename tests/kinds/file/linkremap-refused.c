/* tests/kinds/file/linkremap-refused.c -- the same without the option: refused, with the option's name. */
/* harness: expect: refused --link-remap */

#include "tests/harness/subject.h"

int main(int argc, char **argv)
{
	struct stat st;
	int fd;

	subject_begin(argc, argv);
	fd = open("first", O_RDWR | O_CREAT, 0644);
	MUST(fd >= 0 && link("first", "second") == 0 && unlink("first") == 0);
	subject_wait();
	CHECK(fstat(fd, &st) == 0 && st.st_nlink == 1, "the file was touched");
	return subject_end();
}
