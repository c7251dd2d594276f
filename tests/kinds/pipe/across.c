/* tests/kinds/pipe/across.c -- one side here, the other side there: each process has one end only, with different flags. */

#include <sys/wait.h>

#include "tests/harness/subject.h"

int main(int argc, char **argv)
{
	char buf[100] = "";
	int down[2], up[2], between[2], status;
	pid_t one, two;

	subject_begin(argc, argv);
	MUST(pipe(down) == 0 && pipe(up) == 0 && pipe(between) == 0);
	MUST(write(down[1], "go ", 3) == 3);
	one = fork();
	if (one == 0) {
		close(down[1]);
		close(up[0]);
		close(up[1]);
		close(between[0]);
		subject_leave("one", "");
		/* Reads what was in the pipe and what comes later, hands it on. */
		for (ssize_t got; (got = read(down[0], buf, sizeof(buf))) > 0;)
			if (write(between[1], buf, (size_t)got) != got)
				_exit(1);
		_exit(0);
	}
	two = fork();
	if (two == 0) {
		ssize_t got;

		close(down[0]);
		close(down[1]);
		close(up[0]);
		close(between[1]);
		subject_leave("two", "");
		while ((got = read(between[0], buf, sizeof(buf))) > 0)
			if (write(up[1], buf, (size_t)got) != got)
				_exit(2);
		_exit(0);
	}
	MUST(one > 0 && two > 0);
	close(down[0]);
	close(up[1]);
	close(between[0]);
	close(between[1]);
	subject_wait_for("one");
	subject_wait_for("two");
	subject_wait();

	CHECK(write(down[1], "on", 2) == 2 && close(down[1]) == 0, "%s", strerror(errno));
	for (ssize_t got = 0, n; got < 99 && (n = read(up[0], buf + got, 99 - (size_t)got)) > 0;)
		got += n;
	CHECK(!strcmp(buf, "go on"), "'%s' came through", buf);
	for (int i = 0; i < 2; i++) {
		if (waitpid(-1, &status, 0) > 0)
			CHECK(status == 0, "a process ends with status %#x: the end did not come through", status);
	}
	return subject_end();
}
