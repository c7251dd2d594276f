/* tests/kinds/pid/init.c -- a pid namespace of its own is what the place `namespaces` gives every subject: here an orphan that init has
 * adopted.
 */

#include <sys/prctl.h>

#include "tests/harness/family.h"

static void grandchild(void *arg)
{
	child_up();
	subject_wait_for("go");
}

int main(int argc, char **argv)
{
	int status, ends[2];
	pid_t child, orphan = 0;

	subject_begin(argc, argv);
	MUST(prctl(PR_SET_CHILD_SUBREAPER, 1) == 0);
	MUST(pipe(ends) == 0);
	child = fork();
	MUST(child >= 0);
	if (child == 0) {
		orphan = child_start(grandchild, NULL);
		_exit(write(ends[1], &orphan, sizeof(orphan)) == sizeof(orphan) ? 0 : 1);
	}
	MUST(read(ends[0], &orphan, sizeof(orphan)) == sizeof(orphan));
	close(ends[0]);
	close(ends[1]);
	MUST(waitpid(child, &status, 0) == child && status == 0);

	subject_wait();

	child_end(orphan);
	return subject_end();
}
