/* tests/kinds/sched/deadline.c -- SCHED_DEADLINE, whose three times no image can say.
 *
 * harness: expect: refused scheduling policy 6 is not supported
 */

#include <stdint.h>
#include <sys/syscall.h>

#include "tests/harness/subject.h"

/* linux/sched/types.h; glibc of today has no name for it. */
struct attr {
	uint32_t size, policy;
	uint64_t flags;
	int32_t nice;
	uint32_t priority;
	uint64_t runtime, deadline, period;
};

enum { DEADLINE = 6 };

int main(int argc, char **argv)
{
	struct attr attr = { .size = sizeof(attr), .policy = DEADLINE, .runtime = 10000000, .deadline = 20000000, .period = 100000000 };

	subject_begin(argc, argv);
	if (syscall(SYS_sched_setattr, 0, &attr, 0) < 0)
		subject_skip("SCHED_DEADLINE is not allowed here");

	subject_wait();

	MUST(syscall(SYS_sched_getattr, 0, &attr, sizeof(attr), 0) == 0);
	CHECK(attr.policy == DEADLINE && attr.period == 100000000, "policy %u, period %lu", attr.policy, attr.period);
	return subject_end();
}
