/* tests/kinds/futex/shared.c -- a mutex and a semaphore in memory shared by processes: who waits on them is woken. */

#include <pthread.h>
#include <semaphore.h>
#include <sys/mman.h>

#include "tests/harness/family.h"

enum { CHILDREN = 4, TIMES = 50 };

static struct shared {
	pthread_mutex_t lock;
	sem_t gate;
	int count;
} *shared;

static void child(void *arg)
{
	child_up();
	while (sem_wait(&shared->gate) < 0)
		CHECK(errno == EINTR, "sem_wait: %s", strerror(errno));
	for (int i = 0; i < TIMES; i++) {
		pthread_mutex_lock(&shared->lock);
		shared->count++;
		pthread_mutex_unlock(&shared->lock);
	}
}

int main(int argc, char **argv)
{
	pthread_mutexattr_t attr;
	pid_t pids[CHILDREN];

	subject_begin(argc, argv);
	shared = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	MUST(shared != MAP_FAILED);
	pthread_mutexattr_init(&attr);
	pthread_mutexattr_setpshared(&attr, PTHREAD_PROCESS_SHARED);
	MUST(pthread_mutex_init(&shared->lock, &attr) == 0 && sem_init(&shared->gate, 1, 0) == 0);
	pthread_mutex_lock(&shared->lock);
	for (int i = 0; i < CHILDREN; i++)
		pids[i] = child_start(child, NULL);
	sem_post(&shared->gate); /* one of them now waits for the lock */
	subject_nap();

	subject_wait();

	for (int i = 1; i < CHILDREN; i++)
		sem_post(&shared->gate);
	pthread_mutex_unlock(&shared->lock);
	for (int i = 0; i < CHILDREN; i++)
		child_end(pids[i]);
	CHECK(shared->count == CHILDREN * TIMES, "counted to %d", shared->count);
	return subject_end();
}
