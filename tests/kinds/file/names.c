/* tests/kinds/file/names.c -- names that are odd, that have changed, that end like a deleted file's. */

#include "tests/harness/subject.h"

static const char *const names[] = {
	"with space", "new\nline", "tab\there", "quo\"te'", "back\\slash", "n\303\244me", "\377\376not UTF-8", "a (deleted)",
	" ", "(deleted)", "-rf", "%s%n", "pipe:[17]",
};
#define NR (int)(sizeof(names) / sizeof(names[0]))

static ino_t ino(int fd)
{
	struct stat st;

	return fstat(fd, &st) == 0 ? st.st_ino : 0;
}

int main(int argc, char **argv)
{
	char longest[256], buf[300];
	int fds[NR], moved, in_dir, dir, link, last;
	ino_t was[NR], moved_ino;

	subject_begin(argc, argv);
	for (int i = 0; i < NR; i++) {
		fds[i] = open(names[i], O_RDWR | O_CREAT, 0644);
		MUST(fds[i] >= 0 && write(fds[i], names[i], strlen(names[i])) > 0);
		was[i] = ino(fds[i]);
	}
	memset(longest, 'x', 255);
	longest[255] = 0;
	last = open(longest, O_RDWR | O_CREAT, 0600);
	MUST(last >= 0);
	moved = open("old name", O_RDWR | O_CREAT, 0600);
	MUST(moved >= 0 && rename("old name", "new name") == 0);
	moved_ino = ino(moved);
	MUST(mkdir("dir", 0700) == 0);
	in_dir = open("dir/file", O_RDWR | O_CREAT, 0600);
	MUST(in_dir >= 0 && rename("dir", "another dir") == 0);
	dir = open("another dir", O_RDONLY);
	MUST(dir >= 0 && symlink("new name", "link") == 0);
	link = open("link", O_PATH | O_NOFOLLOW);
	MUST(link >= 0);
	subject_wait();

	for (int i = 0; i < NR; i++) {
		ssize_t got = pread(fds[i], buf, sizeof(buf), 0);

		CHECK(ino(fds[i]) == was[i], "'%s' is another file", names[i]);
		CHECK(got == (ssize_t)strlen(names[i]) && !memcmp(buf, names[i], (size_t)got), "'%s' has other content", names[i]);
	}
	CHECK(write(last, "x", 1) == 1, "the longest name is lost");
	CHECK(ino(moved) == moved_ino, "the renamed file is another one");
	CHECK(openat(dir, "file", O_RDONLY) >= 0, "the directory is another one");
	CHECK(readlinkat(link, "", buf, sizeof(buf)) == 8 && !memcmp(buf, "new name", 8), "the link is lost");
	return subject_end();
}
