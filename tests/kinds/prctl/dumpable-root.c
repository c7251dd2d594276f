/* tests/kinds/prctl/dumpable-root.c -- tasks whose core files root alone may read: what a change of identity leaves behind where
 * fs.suid_dumpable says so. Nobody can ask for it, so such a host alone shows whether it comes back.
 *
 * harness: peer: makes it 0
 */

#include <sys/fsuid.h>
#include <sys/prctl.h>

#include "tests/harness/family.h"

static void child(void *arg)
{
	if (*(int *)arg)
		MUST(setuid(*(int *)arg) == 0);
	setfsgid(12345);
	setfsgid(getegid());
	MUST(prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) == 2);
	child_up();
	subject_wait_for("go");
	CHECK(prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) == 2, "user %d: dumpable is %d", *(int *)arg, prctl(PR_GET_DUMPABLE, 0, 0, 0, 0));
}

int main(int argc, char **argv)
{
	FILE *f = fopen("/proc/sys/fs/suid_dumpable", "r");
	int users[2] = { 0, 1000 }, value = 0;
	pid_t pids[2];

	subject_begin(argc, argv);
	if (!f || fscanf(f, "%d", &value) != 1 || value != 2)
		subject_skip("fs.suid_dumpable is not 2");
	fclose(f);
	for (int i = 0; i < 2; i++)
		pids[i] = child_start(child, &users[i]);

	subject_wait();

	for (int i = 0; i < 2; i++)
		child_end(pids[i]);
	return subject_end();
}
