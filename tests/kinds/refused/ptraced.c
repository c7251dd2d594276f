/* tests/kinds/refused/ptraced.c -- a task with a tracer: it cannot have another one.
 *
 * harness: expect: refused traced by
 */

#include <sys/ptrace.h>

#include "tests/harness/family.h"

static void child(void *arg)
{
	child_up();
	subject_wait_for("end");
}

int main(int argc, char **argv)
{
	int status = -1;
	pid_t pid;

	subject_begin(argc, argv);
	pid = child_start(child, NULL);
	MUST(ptrace(PTRACE_SEIZE, pid, NULL, NULL) == 0);

	subject_wait();

	CHECK(ptrace(PTRACE_INTERRUPT, pid, NULL, NULL) == 0 && waitpid(pid, &status, __WALL) == pid && WIFSTOPPED(status),
	      "it is not traced any more: %s", strerror(errno));
	CHECK(ptrace(PTRACE_DETACH, pid, NULL, NULL) == 0, "it is not traced any more: %s", strerror(errno));
	subject_leave("end", "");
	child_end(pid);
	return subject_end();
}
