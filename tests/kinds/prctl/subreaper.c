/* tests/kinds/prctl/subreaper.c -- a child subreaper: orphans below it become its children, before the dump and after. */

#include <sys/prctl.h>

#include "tests/harness/family.h"

static pid_t root;

/* Orphaned already, or when its parent ends after restore. */
static void grandchild(void *arg)
{
	child_up();
	subject_wait_for("go");
	while (getppid() != root)
		subject_nap();
}

static void child(void *arg)
{
	pid_t pid = child_start(grandchild, NULL);
	char name[64];

	snprintf(name, sizeof(name), "child-of-%s.%d", (char *)arg, (int)pid);
	subject_leave(arg, "");
	if (strcmp(arg, "early") == 0)
		return;
	child_up();
	subject_wait_for("go");
}

int main(int argc, char **argv)
{
	pid_t early, late;
	int status, on = 0;

	subject_begin(argc, argv);
	root = getpid();
	MUST(prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) == 0);
	early = child_fork(child, "early");
	MUST(waitpid(early, &status, 0) == early && status == 0);
	late = child_start(child, "late");

	subject_wait();

	MUST(prctl(PR_GET_CHILD_SUBREAPER, &on, 0, 0, 0) == 0);
	CHECK(on == 1, "it is no subreaper any more");
	child_end(late);
	for (int i = 0; i < 2; i++) {
		pid_t pid = wait(&status);

		CHECK(pid > 0 && status == 0, "an orphan ended with status %#x (%s)", status, strerror(errno));
	}
	return subject_end();
}
