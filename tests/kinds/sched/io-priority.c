/* tests/kinds/sched/io-priority.c -- the I/O priority of each thread (ioprio_set(2)).
 *
 * harness: peer: has no field for it
 */

#include <pthread.h>
#include <sys/syscall.h>

#include "tests/harness/subject.h"

/* linux/ioprio.h */
enum {
	WHO_PROCESS = 1,
	CLASS_SHIFT = 13,
	REALTIME = 1 << CLASS_SHIFT,
	BEST_EFFORT = 2 << CLASS_SHIFT,
	IDLE = 3 << CLASS_SHIFT,
};

static pthread_barrier_t up;

static void *thread(void *arg)
{
	long want = (long)arg, got;

	MUST(syscall(SYS_ioprio_set, WHO_PROCESS, 0, want) == 0);
	pthread_barrier_wait(&up);
	subject_wait_for("go");
	got = syscall(SYS_ioprio_get, WHO_PROCESS, 0);
	CHECK(got == want, "a thread has %#lx, not %#lx", got, want);
	return NULL;
}

int main(int argc, char **argv)
{
	static const long priorities[] = { BEST_EFFORT | 1, BEST_EFFORT | 7, IDLE, REALTIME | 3 };
	enum { THREADS = sizeof(priorities) / sizeof(priorities[0]) };
	pthread_t threads[THREADS];
	long before, now;

	subject_begin(argc, argv);
	before = syscall(SYS_ioprio_get, WHO_PROCESS, 0);
	MUST(pthread_barrier_init(&up, NULL, THREADS + 1) == 0);
	for (int i = 0; i < THREADS; i++)
		MUST(pthread_create(&threads[i], NULL, thread, (void *)priorities[i]) == 0);
	pthread_barrier_wait(&up);

	subject_wait();

	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	now = syscall(SYS_ioprio_get, WHO_PROCESS, 0);
	CHECK(now == before, "the main thread has %#lx, not %#lx", now, before);
	return subject_end();
}
