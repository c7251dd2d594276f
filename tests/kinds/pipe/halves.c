/* tests/kinds/pipe/halves.c -- pipes of which one side is closed everywhere. */

#include <poll.h>
#include <signal.h>

#include "tests/harness/subject.h"

int main(int argc, char **argv)
{
	struct pollfd poll_in, poll_out;
	char buf[10] = "";
	int in[2], out[2];

	subject_begin(argc, argv);
	signal(SIGPIPE, SIG_IGN);
	MUST(pipe(in) == 0 && write(in[1], "last", 4) == 4 && close(in[1]) == 0);
	MUST(pipe(out) == 0 && close(out[0]) == 0);
	subject_wait();

	poll_in = (struct pollfd){ in[0], POLLIN, 0 };
	CHECK(poll(&poll_in, 1, 0) == 1 && poll_in.revents == (POLLIN | POLLHUP), "the read side: %#x", poll_in.revents);
	CHECK(read(in[0], buf, 10) == 4 && !memcmp(buf, "last", 4), "'%s'", buf);
	CHECK(read(in[0], buf, 10) == 0, "no end");
	poll_out = (struct pollfd){ out[1], POLLOUT, 0 };
	CHECK(poll(&poll_out, 1, 0) == 1 && poll_out.revents & POLLERR, "the write side: %#x", poll_out.revents);
	CHECK(write(out[1], "x", 1) < 0 && errno == EPIPE, "somebody reads");
	return subject_end();
}
