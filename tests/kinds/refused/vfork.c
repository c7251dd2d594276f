/* tests/kinds/refused/vfork.c -- a parent that waits in vfork(2): nothing but the child's exec or end gets it out of there.
 *
 * harness: dump: --timeout 2
 * harness: expect: refused does not stop within 2 s: it waits in vfork(2) for its child
 */

#include "tests/harness/family.h"

static volatile int child_runs;

static void parent(void *arg)
{
	pid_t pid = vfork();

	if (pid == 0) {
		child_runs = 1;
		child_up();
		subject_wait_for("go");
		_exit(0);
	}
	CHECK(child_runs, "the child had memory of its own");
	child_end(pid);
}

int main(int argc, char **argv)
{
	pid_t pid;

	subject_begin(argc, argv);
	pid = child_fork(parent, NULL);
	child_wait_up(pid + 1);

	subject_wait();

	child_end(pid);
	return subject_end();
}
