/* tests/kinds/file/linkremap.c -- a file opened by a name that is gone, while it has another one. */
/* harness: dump: --link-remap */
/* harness: restore: --link-remap */

#include <dirent.h>

#include "tests/harness/subject.h"

static int odd_names(void)
{
	struct dirent *de;
	DIR *dir = opendir(".");
	int nr = 0;

	while (dir && (de = readdir(dir)))
		nr += !strncmp(de->d_name, "link_remap", 10) || !strncmp(de->d_name, ".criu", 5);
	return nr;
}

/* When this process was made, in ticks since boot: another time after a restore. */
static long made(void)
{
	char text[1000] = "", *at;
	int fd = open("/proc/self/stat", O_RDONLY);

	MUST(fd >= 0 && read(fd, text, sizeof(text) - 1) > 0 && close(fd) == 0);
	at = strrchr(text, ')') + 1;
	for (int i = 2; i < 21; i++)
		at = strchr(at + 1, ' ');
	return atol(at);
}

int main(int argc, char **argv)
{
	struct stat here, there;
	char buf[8] = "";
	long when = made();
	int fd, again;

	subject_begin(argc, argv);
	fd = open("first", O_RDWR | O_CREAT, 0644);
	MUST(fd >= 0 && write(fd, "content", 7) == 7 && link("first", "second") == 0);
	again = open("first", O_RDONLY);
	MUST(again >= 0 && unlink("first") == 0);
	subject_wait();

	CHECK(fstat(fd, &here) == 0 && stat("second", &there) == 0 && here.st_ino == there.st_ino, "it is another file");
	CHECK(fstat(again, &there) == 0 && here.st_ino == there.st_ino, "the other descriptor is of another file");
	CHECK(lseek(fd, 0, SEEK_CUR) == 7 && read(again, buf, 7) == 7 && !strcmp(buf, "content"), "'%s'", buf);
	CHECK(access("first", F_OK) < 0, "the old name is back");
	/* What the dump made stays as long as its images are to be restored. */
	if (made() != when) {
		CHECK(here.st_nlink == 1, "it has %d names", (int)here.st_nlink);
		CHECK(odd_names() == 0, "names that were made for the restore are left");
	}
	return subject_end();
}
