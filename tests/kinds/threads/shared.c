/* tests/kinds/threads/shared.c -- what threads do to each other after restore: cancel, signal, join one that had ended before. */

#include <pthread.h>
#include <signal.h>

#include "tests/harness/subject.h"

static _Atomic int signalled, cleaned;
static pthread_barrier_t up;

static void handler(int nr)
{
	signalled = 1;
}

static void clean(void *arg)
{
	cleaned = 1;
}

static void *ended(void *arg)
{
	return (void *)42;
}

static void *cancelled(void *arg)
{
	pthread_cleanup_push(clean, NULL);
	pthread_barrier_wait(&up);
	for (;;)
		pause();
	pthread_cleanup_pop(0);
	return NULL;
}

static void *signalled_thread(void *arg)
{
	pthread_barrier_wait(&up);
	while (!signalled)
		pause();
	return (void *)7;
}

int main(int argc, char **argv)
{
	pthread_t a, b, c;
	void *result;

	subject_begin(argc, argv);
	signal(SIGUSR1, handler);
	MUST(pthread_barrier_init(&up, NULL, 3) == 0);
	MUST(pthread_create(&a, NULL, ended, NULL) == 0);
	MUST(pthread_create(&b, NULL, cancelled, NULL) == 0);
	MUST(pthread_create(&c, NULL, signalled_thread, NULL) == 0);
	pthread_barrier_wait(&up);
	subject_nap();

	subject_wait();

	pthread_join(a, &result);
	CHECK(result == (void *)42, "the thread that had ended returned %p", result);
	pthread_cancel(b);
	pthread_join(b, &result);
	CHECK(result == PTHREAD_CANCELED && cleaned, "the cancelled thread returned %p", result);
	do
		pthread_kill(c, SIGUSR1); /* it may be between its look and its pause() */
	while (pthread_tryjoin_np(c, &result) != 0 && (subject_nap(), 1));
	CHECK(result == (void *)7, "the signalled thread returned %p", result);
	return subject_end();
}
