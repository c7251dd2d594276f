/* tests/kinds/seccomp/threads.c -- threads with filters of their own, one with none, and one that has more than it had in common. */

#include <pthread.h>

#include "tests/harness/subject.h"
#include "tests/kinds/seccomp/filters.h"

static const long calls[] = { SYS_getppid, SYS_getuid, SYS_getgid, SYS_geteuid };
enum { THREADS = sizeof(calls) / sizeof(calls[0]) };
static pthread_barrier_t up;

/* The first one has none. */
static void *thread(void *arg)
{
	long me = (long)arg;

	if (me)
		MUST(filter_call(calls[me], 100 + me, 0) == 0);
	if (me == THREADS - 1)
		MUST(filter_call(SYS_getegid, 77, 0) == 0);
	pthread_barrier_wait(&up);
	subject_wait_for("go");
	for (long i = 0; i < THREADS; i++)
		CHECK(filtered(calls[i], 100 + i) == (i && i == me), "thread %ld: the filter of thread %ld", me, i);
	CHECK(filtered(SYS_getegid, 77) == (me == THREADS - 1), "thread %ld: the second filter", me);
	return NULL;
}

int main(int argc, char **argv)
{
	pthread_t threads[THREADS];

	subject_begin(argc, argv);
	MUST(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0);
	MUST(pthread_barrier_init(&up, NULL, THREADS + 1) == 0);
	for (long i = 0; i < THREADS; i++)
		MUST(pthread_create(&threads[i], NULL, thread, (void *)i) == 0);
	pthread_barrier_wait(&up);

	subject_wait();

	for (long i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	for (long i = 0; i < THREADS; i++)
		CHECK(!filtered(calls[i], 100 + i), "the leader has a filter of thread %ld", i);
	return subject_end();
}
