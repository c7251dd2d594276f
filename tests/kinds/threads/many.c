/* tests/kinds/threads/many.c -- 50 threads with thread-local storage, passing a turn around with a mutex and a condition variable. */

#include <pthread.h>

#include "tests/harness/subject.h"

enum { THREADS = 50, ROUNDS = 20 };

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t turn_changed = PTHREAD_COND_INITIALIZER;
static int turn, running; /* whose turn it is, below the lock; running: how many have come so far */
static __thread int me = -1, taken;

static void *thread(void *arg)
{
	pid_t tid = gettid();

	me = (int)(long)arg;
	pthread_mutex_lock(&lock);
	running++;
	for (int round = 0; round < ROUNDS; round++) {
		while (turn % THREADS != me)
			pthread_cond_wait(&turn_changed, &lock);
		taken++;
		turn++;
		pthread_cond_broadcast(&turn_changed);
	}
	pthread_mutex_unlock(&lock);
	CHECK(me == (int)(long)arg && taken == ROUNDS, "thread %ld: number %d, %d turns", (long)arg, me, taken);
	CHECK(gettid() == tid, "thread %d: tid %d, not %d", me, gettid(), tid);
	return (void *)(long)me;
}

int main(int argc, char **argv)
{
	pthread_t threads[THREADS];
	void *result;
	int up;

	subject_begin(argc, argv);
	turn = THREADS - 1;
	/* Thread 49 comes last and has the first turn: until then everybody waits. */
	for (long i = 0; i < THREADS - 1; i++)
		MUST(pthread_create(&threads[i], NULL, thread, (void *)i) == 0);
	do {
		subject_nap();
		pthread_mutex_lock(&lock);
		up = running;
		pthread_mutex_unlock(&lock);
	} while (up < THREADS - 1);

	subject_wait();

	CHECK(pthread_create(&threads[THREADS - 1], NULL, thread, (void *)(long)(THREADS - 1)) == 0, "no new thread");
	for (long i = 0; i < THREADS; i++) {
		pthread_join(threads[i], &result);
		CHECK((long)result == i, "thread %ld returned %ld", i, (long)result);
	}
	CHECK(turn == THREADS - 1 + THREADS * ROUNDS, "turn %d", turn);
	return subject_end();
}
