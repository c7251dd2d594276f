/* tests/kinds/seccomp/together.c -- threads that share a filter, one of them with another on top: after restore it can still put all of
 * them under its own (SECCOMP_FILTER_FLAG_TSYNC), which works only where they really share.
 *
 * harness: peer: the threads come back with filters of their own
 */

#include <pthread.h>

#include "tests/harness/subject.h"
#include "tests/kinds/seccomp/filters.h"

enum { THREADS = 3 };
static pthread_barrier_t up, synced;

static void *thread(void *arg)
{
	long me = (long)arg;

	if (me == 1)
		MUST(filter_call(SYS_getuid, 101, 0) == 0);
	pthread_barrier_wait(&up);
	subject_wait_for("go");
	CHECK(filtered(SYS_getppid, 100), "thread %ld: the common filter is gone", me);
	CHECK(filtered(SYS_getuid, 101) == (me == 1), "thread %ld: the filter of thread 1", me);
	pthread_barrier_wait(&synced);
	if (me == 1)
		CHECK(filter_call(SYS_getgid, 102, SECCOMP_FILTER_FLAG_TSYNC) == 0, "it cannot take the others along");
	pthread_barrier_wait(&synced);
	CHECK(filtered(SYS_getuid, 101) && filtered(SYS_getgid, 102), "thread %ld: it was not taken along", me);
	return NULL;
}

int main(int argc, char **argv)
{
	pthread_t threads[THREADS];

	subject_begin(argc, argv);
	MUST(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0);
	MUST(filter_call(SYS_getppid, 100, 0) == 0);
	MUST(pthread_barrier_init(&up, NULL, THREADS + 1) == 0);
	MUST(pthread_barrier_init(&synced, NULL, THREADS) == 0);
	for (long i = 0; i < THREADS; i++)
		MUST(pthread_create(&threads[i], NULL, thread, (void *)i) == 0);
	pthread_barrier_wait(&up);

	subject_wait();

	for (long i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	CHECK(filtered(SYS_getgid, 102), "the leader was not taken along");
	return subject_end();
}
