/* tests/kinds/signal/masks.c -- the blocked signals of each thread. */

#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <sys/syscall.h>

#include "tests/harness/subject.h"

enum { THREADS = 4 };

static const uint64_t unblockable = 1ULL << (SIGKILL - 1) | 1ULL << (SIGSTOP - 1);
static pthread_barrier_t up;

/* As the kernel has it: glibc hides the two signals that it uses itself. */
static uint64_t mask(int how, const uint64_t *set)
{
	uint64_t old = 0;

	MUST(syscall(SYS_rt_sigprocmask, how, set, &old, 8) == 0);
	return old;
}

static void *thread(void *arg)
{
	int nr = (int)(intptr_t)arg;
	uint64_t set = nr ? 0xfedcba9876543210ULL >> nr : UINT64_MAX;

	mask(SIG_SETMASK, &set);
	pthread_barrier_wait(&up);
	subject_wait_for("go");
	set &= ~unblockable;
	CHECK(mask(0, NULL) == set, "thread %d: mask %#lx, not %#lx", nr, mask(0, NULL), set);
	return NULL;
}

int main(int argc, char **argv)
{
	pthread_t threads[THREADS];

	subject_begin(argc, argv);
	MUST(pthread_barrier_init(&up, NULL, THREADS + 1) == 0);
	for (intptr_t i = 0; i < THREADS; i++)
		MUST(pthread_create(&threads[i], NULL, thread, (void *)i) == 0);
	pthread_barrier_wait(&up);

	subject_wait();

	CHECK(mask(0, NULL) == 0, "the first thread has the mask %#lx", mask(0, NULL));
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	return subject_end();
}
