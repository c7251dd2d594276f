/* tests/kinds/prctl/slack.c -- the timer slack of each thread.
 *
 * harness: peer: has no field for it
 */

#include <pthread.h>
#include <sys/prctl.h>

#include "tests/harness/subject.h"

enum { THREADS = 3 };

static pthread_barrier_t up;

static void *thread(void *arg)
{
	long slack = (long)arg;

	MUST(prctl(PR_SET_TIMERSLACK, slack, 0, 0, 0) == 0);
	pthread_barrier_wait(&up);
	subject_wait_for("go");
	CHECK(prctl(PR_GET_TIMERSLACK, 0, 0, 0, 0) == slack, "slack %d, not %ld ns", prctl(PR_GET_TIMERSLACK, 0, 0, 0, 0), slack);
	return NULL;
}

int main(int argc, char **argv)
{
	pthread_t threads[THREADS];

	subject_begin(argc, argv);
	MUST(pthread_barrier_init(&up, NULL, THREADS + 1) == 0);
	for (long i = 0; i < THREADS; i++)
		MUST(pthread_create(&threads[i], NULL, thread, (void *)(1000 + i)) == 0);
	pthread_barrier_wait(&up);
	MUST(prctl(PR_SET_TIMERSLACK, 77777, 0, 0, 0) == 0);

	subject_wait();

	CHECK(prctl(PR_GET_TIMERSLACK, 0, 0, 0, 0) == 77777, "the slack of the first thread is %d ns",
	      prctl(PR_GET_TIMERSLACK, 0, 0, 0, 0));
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	return subject_end();
}
