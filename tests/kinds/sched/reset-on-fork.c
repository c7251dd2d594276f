/* tests/kinds/sched/reset-on-fork.c -- SCHED_RESET_ON_FORK, the flag beside the policy. */

#include <sched.h>

#include "tests/harness/subject.h"

int main(int argc, char **argv)
{
	struct sched_param param = { .sched_priority = 5 };

	subject_begin(argc, argv);
	if (sched_setscheduler(0, SCHED_RR | SCHED_RESET_ON_FORK, &param) < 0)
		subject_skip("real-time policies are not allowed here");

	subject_wait();

	CHECK(sched_getscheduler(0) == (SCHED_RR | SCHED_RESET_ON_FORK), "policy %#x", sched_getscheduler(0));
	return subject_end();
}
