/* tests/kinds/tree/deep.c -- a tree of a hundred generations. */

#include "tests/harness/family.h"

enum { DEPTH = 100 };

static void live(void *arg)
{
	int depth = *(int *)arg + 1;
	pid_t pid = 0, parent = getppid();

	if (depth < DEPTH)
		pid = child_start(live, &depth);
	child_up();
	if (pid)
		child_end(pid);
	else
		subject_wait_for("go");
	CHECK(getppid() == parent, "depth %d: its parent is %d, not %d", depth, getppid(), parent);
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
