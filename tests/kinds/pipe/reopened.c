/* tests/kinds/pipe/reopened.c -- more than two descriptions of one pipe: opened again through /proc/self/fd, also for both. */
/* harness: peer: it opens both of the first ends again, which shows in their flags */

#include "tests/harness/subject.h"

static int again(int fd, int flags)
{
	char path[40];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	return open(path, flags);
}

int main(int argc, char **argv)
{
	char buf[10] = "";
	int p[2], reader, writer, both;

	subject_begin(argc, argv);
	MUST(pipe(p) == 0);
	reader = again(p[0], O_RDONLY | O_NONBLOCK);
	writer = again(p[0], O_WRONLY);
	both = again(p[1], O_RDWR | O_CLOEXEC);
	MUST(reader >= 0 && writer >= 0 && both >= 0 && write(writer, "ab", 2) == 2);
	subject_wait();

	CHECK(fcntl(reader, F_GETFL) & O_NONBLOCK && !(fcntl(p[0], F_GETFL) & O_NONBLOCK), "O_NONBLOCK has spread");
	CHECK(read(both, buf, 1) == 1 && buf[0] == 'a' && read(reader, buf, 5) == 1 && buf[0] == 'b', "not one pipe");
	CHECK(read(reader, buf, 1) < 0 && errno == EAGAIN, "not empty");
	CHECK(write(both, "c", 1) == 1 && read(p[0], buf, 1) == 1 && buf[0] == 'c', "not one pipe");
	close(p[1]);
	close(writer);
	CHECK(write(both, "d", 1) == 1 && read(reader, buf, 1) == 1, "the writer for both");
	close(both);
	CHECK(read(p[0], buf, 1) == 0, "there is a writer nobody has");
	return subject_end();
}
