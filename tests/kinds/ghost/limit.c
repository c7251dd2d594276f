/* tests/kinds/ghost/limit.c -- a deleted file with more in it than --ghost-limit: refused, by the option's name. */
/* harness: expect: refused --ghost-limit */

#include "tests/harness/subject.h"

int main(int argc, char **argv)
{
	static char text[3 << 20];
	int fd;

	subject_begin(argc, argv);
	memset(text, 'x', sizeof(text));
	fd = open("large", O_RDWR | O_CREAT, 0600);
	MUST(fd >= 0 && write(fd, text, sizeof(text)) == sizeof(text) && unlink("large") == 0);
	subject_wait();
	CHECK(lseek(fd, 0, SEEK_END) == sizeof(text), "it was touched");
	return subject_end();
}
