/* tests/kinds/sched/deadline.c -- SCHED_DEADLINE, which comes with three times, and slices of another length than the usual.
 *
 * harness: peer: has no fields for them
 */

#include <pthread.h>
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

enum { BATCH = 3, DEADLINE = 6, RESET_ON_FORK = 1, OVERRUN = 4 };

static const struct attr wanted[] = {
	{ .size = sizeof(struct attr), .policy = DEADLINE, .runtime = 10000000, .deadline = 20000000, .period = 100000000 },
	{ .size = sizeof(struct attr), .policy = DEADLINE, .flags = RESET_ON_FORK | OVERRUN, .runtime = 5000000, .deadline = 100000000,
	  .period = 100000000 },
	{ .size = sizeof(struct attr), .runtime = 7000000, .nice = 3 },
	{ .size = sizeof(struct attr), .policy = BATCH, .runtime = 2000000 },
};

enum { THREADS = sizeof(wanted) / sizeof(wanted[0]) };

static struct attr had[THREADS];
static pthread_barrier_t up;

static void *thread(void *arg)
{
	const struct attr *w = arg;
	struct attr *h = &had[w - wanted], now = { 0 };

	if (syscall(SYS_sched_setattr, 0, w, 0) < 0)
		subject_skip("SCHED_DEADLINE is not allowed here");
	MUST(syscall(SYS_sched_getattr, 0, h, sizeof(*h), 0) == 0);
	pthread_barrier_wait(&up);
	subject_wait_for("go");
	MUST(syscall(SYS_sched_getattr, 0, &now, sizeof(now), 0) == 0);
	CHECK(!memcmp(&now, h, sizeof(now)), "policy %u, flags %lx, nice %d, times %lu %lu %lu, not %u, %lx, %d, %lu %lu %lu", now.policy,
	      now.flags, now.nice, now.runtime, now.deadline, now.period, h->policy, h->flags, h->nice, h->runtime, h->deadline, h->period);
	return NULL;
}

int main(int argc, char **argv)
{
	struct attr usual = { 0 }, now = { 0 };
	pthread_t threads[THREADS];

	subject_begin(argc, argv);
	MUST(pthread_barrier_init(&up, NULL, THREADS + 1) == 0);
	for (int i = 0; i < THREADS; i++)
		MUST(pthread_create(&threads[i], NULL, thread, (void *)&wanted[i]) == 0);
	pthread_barrier_wait(&up);
	MUST(syscall(SYS_sched_getattr, 0, &usual, sizeof(usual), 0) == 0);

	subject_wait();

	MUST(syscall(SYS_sched_getattr, 0, &now, sizeof(now), 0) == 0);
	CHECK(!memcmp(&now, &usual, sizeof(now)), "the first thread: policy %u, runtime %lu, not %u, %lu", now.policy, now.runtime, usual.policy,
	      usual.runtime);
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	return subject_end();
}
