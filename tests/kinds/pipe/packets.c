/* tests/kinds/pipe/packets.c -- a pipe in packet mode (O_DIRECT): each read gives one packet, before and after. */
/* harness: peer: it does not dump packets */

#include "tests/harness/subject.h"

int main(int argc, char **argv)
{
	char buf[100] = "";
	int p[2], rest[2];

	subject_begin(argc, argv);
	MUST(pipe2(p, O_DIRECT) == 0);
	MUST(write(p[1], "one", 3) == 3 && write(p[1], "and two", 7) == 7 && write(p[1], "3", 1) == 1);
	MUST(pipe2(rest, O_DIRECT) == 0 && write(rest[1], "alone", 5) == 5 && close(rest[1]) == 0);
	subject_wait();

	CHECK(fcntl(p[1], F_GETFL) & O_DIRECT, "O_DIRECT is gone");
	CHECK(write(p[1], "four", 4) == 4, "%s", strerror(errno));
	CHECK(read(p[0], buf, 100) == 3 && !memcmp(buf, "one", 3), "the first: '%s'", buf);
	CHECK(read(p[0], buf, 3) == 3 && !memcmp(buf, "and", 3), "a part of the second: '%s'", buf);
	CHECK(read(p[0], buf, 100) == 1 && buf[0] == '3', "the rest of the second is not thrown away: '%s'", buf);
	CHECK(read(p[0], buf, 100) == 4 && !memcmp(buf, "four", 4), "the one written since: '%s'", buf);
	CHECK(read(rest[0], buf, 2) == 2 && read(rest[0], buf, 100) == 0, "the one without a writer is no packet any more");
	return subject_end();
}
