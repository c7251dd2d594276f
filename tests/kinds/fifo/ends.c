/* tests/kinds/fifo/ends.c -- a fifo whose reader and writer are two processes, and fifos that have one side only. */

#include <signal.h>
#include <sys/wait.h>

#include "tests/harness/subject.h"

int main(int argc, char **argv)
{
	char buf[20] = "";
	int reader, alone, orphan, status;
	pid_t child;

	subject_begin(argc, argv);
	signal(SIGPIPE, SIG_IGN);
	MUST(mkfifo("fifo", 0600) == 0 && mkfifo("alone", 0600) == 0 && mkfifo("orphan", 0600) == 0);
	child = fork();
	if (child == 0) {
		int writer = open("fifo", O_WRONLY);

		if (write(writer, "before", 6) != 6)
			_exit(1);
		subject_wait_for("go");
		_exit(write(writer, " after", 6) != 6);
	}
	MUST(child > 0);
	reader = open("fifo", O_RDONLY);
	alone = open("alone", O_RDONLY | O_NONBLOCK);
	MUST(reader >= 0 && alone >= 0);
	orphan = open("orphan", O_RDWR);
	status = open("orphan", O_WRONLY);
	MUST(status >= 0 && close(orphan) == 0);
	orphan = status;
	usleep(50000);
	subject_wait();

	waitpid(child, &status, 0);
	CHECK(status == 0, "the writer ends with status %#x", status);
	for (ssize_t got = 0, n; got < 19 && (n = read(reader, buf + got, 19 - (size_t)got)) > 0;)
		got += n;
	CHECK(!strcmp(buf, "before after"), "'%s'", buf);
	CHECK(read(alone, buf, 1) == 0, "the fifo without a writer has one");
	CHECK(write(orphan, "x", 1) < 0 && errno == EPIPE, "the fifo without a reader has one");
	return subject_end();
}
