/* tests/kinds/ghost/large.c -- the same with a limit that is high enough. */
/* harness: dump: --ghost-limit 4M */

#include "tests/harness/subject.h"

int main(int argc, char **argv)
{
	static char text[3 << 20], back[3 << 20];
	int fd;

	subject_begin(argc, argv);
	for (size_t i = 0; i < sizeof(text); i++)
		text[i] = (char)(i * 5 + i / 1021);
	fd = open("large", O_RDWR | O_CREAT, 0600);
	MUST(fd >= 0 && write(fd, text, sizeof(text)) == sizeof(text) && unlink("large") == 0);
	subject_wait();
	CHECK(pread(fd, back, sizeof(back), 0) == sizeof(back) && !memcmp(text, back, sizeof(back)), "other content");
	return subject_end();
}
