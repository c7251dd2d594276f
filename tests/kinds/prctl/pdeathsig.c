/* tests/kinds/prctl/pdeathsig.c -- the signal a task wants when its parent dies: kept, not sent by restore, sent by the death. */

#include <sys/prctl.h>

#include "tests/harness/family.h"

static volatile sig_atomic_t got;

static void handler(int nr)
{
	got = nr;
}

static void grandchild(void *arg)
{
	int nr = 0;

	signal(SIGRTMIN + 5, handler);
	MUST(prctl(PR_SET_PDEATHSIG, SIGRTMIN + 5, 0, 0, 0) == 0);
	child_up();
	subject_wait_for("go");
	MUST(prctl(PR_GET_PDEATHSIG, &nr, 0, 0, 0) == 0);
	CHECK(nr == SIGRTMIN + 5, "the signal is %d", nr);
	CHECK(got == 0, "the signal has come though the parent lives");
	subject_leave("die", "");
	while (!got)
		subject_nap();
	subject_leave("done", "");
}

static void child(void *arg)
{
	child_start(grandchild, NULL);
	child_up();
	subject_wait_for("die");
}

int main(int argc, char **argv)
{
	pid_t pid;

	subject_begin(argc, argv);
	pid = child_start(child, NULL);

	subject_wait();

	child_end(pid);
	subject_wait_for("done");
	return subject_end();
}
