/* tests/kinds/refused/shared-memory.c -- a child that shares its parent's address space, as between vfork(2) and exec.
 *
 * harness: expect: refused its mappings are shared with pid
 */

#include <sched.h>

#include "tests/harness/family.h"

static char stack[65536] __attribute__((aligned(16)));
static _Atomic int up, done;

static int child(void *arg)
{
	up = 1;
	subject_wait_for("go");
	done = 1;
	return 0;
}

int main(int argc, char **argv)
{
	pid_t pid;

	subject_begin(argc, argv);
	pid = clone(child, stack + sizeof(stack), CLONE_VM | SIGCHLD, NULL);
	MUST(pid > 0);
	while (!up)
		subject_nap();

	subject_wait();

	child_end(pid);
	CHECK(done, "the memory is not shared any more");
	return subject_end();
}
