/* tests/kinds/fifo/data.c -- a fifo with something in it, with all its kinds of descriptions. */

#include <poll.h>

#include "tests/harness/subject.h"

int main(int argc, char **argv)
{
	struct stat st;
	char buf[20] = "";
	int both, reader, writer;

	subject_begin(argc, argv);
	MUST(mkfifo("fifo", 0640) == 0);
	both = open("fifo", O_RDWR);
	reader = open("fifo", O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	writer = open("fifo", O_WRONLY);
	MUST(both >= 0 && reader >= 0 && writer >= 0 && write(writer, "in the fifo", 11) == 11);
	subject_wait();

	CHECK(fstat(reader, &st) == 0 && S_ISFIFO(st.st_mode) && (st.st_mode & 0777) == 0640, "mode %#o", st.st_mode);
	CHECK(read(reader, buf, 6) == 6 && read(both, buf + 6, 10) == 5 && !strcmp(buf, "in the fifo"), "'%s'", buf);
	CHECK(read(reader, buf, 1) < 0 && errno == EAGAIN, "more than was in it");
	close(both);
	CHECK(write(writer, "x", 1) == 1 && read(reader, buf, 1) == 1, "the reader and the writer have parted");
	close(writer);
	CHECK(read(reader, buf, 1) == 0, "there is a writer nobody has");
	return subject_end();
}
