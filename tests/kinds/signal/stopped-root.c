/* tests/kinds/signal/stopped-root.c -- the root of the tree is stopped; its child wakes it after restore. */

#include "tests/harness/family.h"

static void child(void *arg)
{
	child_up();
	subject_wait_for("stopping");
	subject_nap();
	subject_leave("ready", "");
	subject_wait_for("go");
	CHECK(kill(getppid(), SIGCONT) == 0, "kill: %s", strerror(errno));
}

int main(int argc, char **argv)
{
	pid_t pid;

	subject_begin(argc, argv);
	pid = child_start(child, NULL);
	subject_leave("stopping", "");
	raise(SIGSTOP);
	child_end(pid);
	return subject_end();
}
