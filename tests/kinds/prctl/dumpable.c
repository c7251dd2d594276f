/* tests/kinds/prctl/dumpable.c -- a task that forbids core dumps, and that has no access to its own /proc for it.
 *
 * harness: user: 1000
 */

#include <sys/prctl.h>

#include "tests/harness/family.h"

static void child(void *arg)
{
	int dumpable = *(int *)arg;

	MUST(prctl(PR_SET_DUMPABLE, dumpable, 0, 0, 0) == 0);
	child_up();
	subject_wait_for("go");
	CHECK(prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) == dumpable, "dumpable is %d, not %d", prctl(PR_GET_DUMPABLE, 0, 0, 0, 0), dumpable);
}

int main(int argc, char **argv)
{
	pid_t pids[2];
	int values[2] = { 0, 1 };

	subject_begin(argc, argv);
	for (int i = 0; i < 2; i++)
		pids[i] = child_start(child, &values[i]);

	subject_wait();

	for (int i = 0; i < 2; i++)
		child_end(pids[i]);
	return subject_end();
}
