/* tests/kinds/tree/many.c -- 200 children, some of which are in groups, stopped, or dead. */

#include "tests/harness/family.h"

enum { CHILDREN = 200 };

static void handler(int nr)
{
	_exit(0);
}

static void child(void *arg)
{
	if ((long)arg % 10 == 3)
		setpgid(0, 0);
	if ((long)arg % 10 == 5)
		_exit(5);
	signal(SIGUSR1, handler);
	child_up();
	for (;;)
		pause();
}

int main(int argc, char **argv)
{
	pid_t pids[CHILDREN];
	int status;

	subject_begin(argc, argv);
	for (long i = 0; i < CHILDREN; i++)
		pids[i] = child_fork(child, (void *)i);
	for (int i = 0; i < CHILDREN; i++) {
		if (i % 10 == 5)
			continue;
		child_wait_up(pids[i]);
		if (i % 10 == 7)
			MUST(kill(pids[i], SIGSTOP) == 0 && waitpid(pids[i], &status, WUNTRACED) == pids[i]);
	}

	subject_wait();

	for (int i = 0; i < CHILDREN; i++) {
		if (i % 10 != 5)
			CHECK(kill(pids[i], SIGUSR1) == 0, "child %d: %s", i, strerror(errno));
		if (i % 10 == 7)
			kill(pids[i], SIGCONT);
	}
	for (int i = 0; i < CHILDREN; i++) {
		int want = i % 10 == 5 ? 5 << 8 : 0;

		CHECK(waitpid(pids[i], &status, 0) == pids[i] && status == want, "child %d: status %#x", i, status);
	}
	return subject_end();
}
