/* tests/kinds/file/flags.c -- flags that open(2) and fcntl(2) set, seen by what they do and by F_GETFL. */

#include "tests/harness/subject.h"

static const int flags[] = {
	O_RDONLY, O_WRONLY, O_RDWR, O_RDWR | O_APPEND, O_WRONLY | O_APPEND, O_RDWR | O_NONBLOCK, O_RDWR | O_SYNC, O_RDWR | O_DSYNC,
	O_RDONLY | O_NOATIME, O_RDONLY | O_NOFOLLOW, O_RDWR | O_DIRECT, O_PATH, O_PATH | O_NOFOLLOW, O_RDWR | O_ASYNC,
};
#define NR (int)(sizeof(flags) / sizeof(flags[0]))

int main(int argc, char **argv)
{
	int fds[NR], was[NR];

	subject_begin(argc, argv);
	close(open("data", O_RDWR | O_CREAT, 0644));
	for (int i = 0; i < NR; i++) {
		fds[i] = open("data", flags[i]);
		MUST(fds[i] >= 0 || flags[i] & O_DIRECT);
		was[i] = fcntl(fds[i], F_GETFL);
	}
	/* What was asked for at first does not matter any more. */
	MUST(fcntl(fds[3], F_SETFL, 0) == 0 && fcntl(fds[2], F_SETFL, O_APPEND | O_NONBLOCK) == 0);
	was[3] = fcntl(fds[3], F_GETFL);
	was[2] = fcntl(fds[2], F_GETFL);
	subject_wait();

	for (int i = 0; i < NR; i++)
		CHECK(fcntl(fds[i], F_GETFL) == was[i], "flags %#o are %#o", was[i], fcntl(fds[i], F_GETFL));
	CHECK(write(fds[4], "appended", 8) == 8 && lseek(fds[4], 0, SEEK_CUR) == 8, "it does not append");
	CHECK(lseek(fds[2], 0, SEEK_SET) == 0 && write(fds[2], "!", 1) == 1 && lseek(fds[2], 0, SEEK_CUR) == 9,
		"O_APPEND that was set later is gone");
	CHECK(read(fds[11], &was, 1) < 0 && errno == EBADF, "O_PATH can be read from");
	return subject_end();
}
