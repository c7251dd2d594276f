/* tests/kinds/ghost/taken.c -- the name of a deleted file is another file's now: twice, the last of them deleted too. */
/* harness: compare: no */

#include <dirent.h>

#include "tests/harness/subject.h"

static int make(const char *text)
{
	int fd = open("name", O_RDWR | O_CREAT | O_EXCL, 0600);

	MUST(fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text));
	return fd;
}

static int names(void)
{
	struct dirent *de;
	DIR *dir = opendir(".");
	int nr = 0;

	while (dir && (de = readdir(dir)))
		nr += de->d_name[0] != '.' && strcmp(de->d_name, "ready") && strcmp(de->d_name, "go");
	return nr;
}

int main(int argc, char **argv)
{
	char buf[20];
	int fds[3], over;

	subject_begin(argc, argv);
	fds[0] = make("first");
	MUST(unlink("name") == 0);
	fds[1] = make("second");
	MUST(unlink("name") == 0);
	fds[2] = make("third");
	/* And one that another was renamed over. */
	over = open("over", O_RDWR | O_CREAT, 0600);
	MUST(over >= 0 && write(over, "below", 5) == 5);
	MUST(close(open("above", O_RDWR | O_CREAT, 0600)) == 0 && rename("above", "over") == 0);
	subject_wait();

	for (int i = 0; i < 3; i++) {
		static const char *const want[] = { "first", "second", "third" };
		ssize_t got = pread(fds[i], buf, sizeof(buf), 0);

		CHECK(got == (ssize_t)strlen(want[i]) && !memcmp(buf, want[i], (size_t)got), "the %s has '%.*s'", want[i],
			(int)(got > 0 ? got : 0), buf);
	}
	CHECK(pread(over, buf, 20, 0) == 5 && !memcmp(buf, "below", 5), "the one that was renamed over");
	CHECK(names() == 2, "%d names in the directory", names());
	return subject_end();
}
