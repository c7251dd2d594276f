/* tests/kinds/tree/family.c -- three generations: everybody has the pid, the parent and the children that they had. */

#include "tests/harness/family.h"

enum { DEPTH = 3, WIDTH = 3 };

static void live(void *arg)
{
	int depth = *(int *)arg + 1;
	pid_t pids[WIDTH], me = getpid(), parent = getppid();
	int nr = depth < DEPTH ? WIDTH : 0;

	for (int i = 0; i < nr; i++)
		pids[i] = child_start(live, &depth);
	child_up();

	subject_wait_for("go");

	CHECK(getpid() == me && getppid() == parent, "depth %d: pid %d, parent %d, not %d, %d", depth, getpid(), getppid(), me,
	      parent);
	for (int i = 0; i < nr; i++)
		child_end(pids[i]);
	CHECK(waitpid(-1, NULL, WNOHANG) < 0 && errno == ECHILD, "depth %d: there are more children than before", depth);
}

int main(int argc, char **argv)
{
	int depth = 0;
	pid_t pid;

	subject_begin(argc, argv);
	pid = child_start(live, &depth);

	subject_wait();

	child_end(pid);
	return subject_end();
}
