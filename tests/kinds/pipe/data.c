/* tests/kinds/pipe/data.c -- pipes with something in them: a little, all they can hold, nothing; blocking or not. */

#include <sys/ioctl.h>

#include "tests/harness/subject.h"

int main(int argc, char **argv)
{
	static char text[65536], back[65536];
	int few[2], full[2], empty[2], left = 0, done;
	ssize_t got;

	subject_begin(argc, argv);
	for (size_t i = 0; i < sizeof(text); i++)
		text[i] = (char)(i * 13 + i / 251);
	MUST(pipe(few) == 0 && write(few[1], "hello", 5) == 5);
	MUST(pipe2(full, O_NONBLOCK) == 0 && write(full[1], text, sizeof(text)) == sizeof(text));
	MUST(write(full[1], "x", 1) < 0 && errno == EAGAIN);
	MUST(pipe2(empty, O_CLOEXEC) == 0);
	subject_wait();

	CHECK(write(few[1], " you", 4) == 4, "%s", strerror(errno));
	CHECK(read(few[0], back, 100) == 9 && !memcmp(back, "hello you", 9), "a little: '%.9s'", back);
	CHECK(write(full[1], "x", 1) < 0 && errno == EAGAIN, "a full pipe is not full");
	CHECK(ioctl(full[0], FIONREAD, &left) == 0 && left == sizeof(text), "%d bytes in a full pipe", left);
	for (done = 0; done < (int)sizeof(back) && (got = read(full[0], back + done, sizeof(back) - (size_t)done)) > 0;)
		done += (int)got;
	CHECK(done == sizeof(text) && !memcmp(text, back, sizeof(text)), "other content in a full pipe (%d bytes)", done);
	CHECK(read(full[0], back, 1) < 0 && errno == EAGAIN, "more in a full pipe than it can hold");
	CHECK(ioctl(empty[0], FIONREAD, &left) == 0 && left == 0, "%d bytes in an empty pipe", left);
	CHECK(fcntl(empty[0], F_GETFD) == FD_CLOEXEC && fcntl(empty[1], F_GETFD) == FD_CLOEXEC, "FD_CLOEXEC is gone");
	return subject_end();
}
