/* tests/kinds/futex/robust.c -- a robust mutex held by a thread: when it ends after restore, the next one learns of it. */

#include <pthread.h>
#include <sys/mman.h>

#include "tests/harness/family.h"

static pthread_mutex_t *lock; /* shared between processes */
static pthread_mutex_t own;   /* of this process alone */
static pthread_barrier_t up;

static void init(pthread_mutex_t *m, int shared)
{
	pthread_mutexattr_t attr;

	pthread_mutexattr_init(&attr);
	pthread_mutexattr_setrobust(&attr, PTHREAD_MUTEX_ROBUST);
	pthread_mutexattr_setpshared(&attr, shared);
	MUST(pthread_mutex_init(m, &attr) == 0);
}

/* Whoever ends with a lock in its list: the kernel marks it, by the list whose address the thread gave with set_robust_list(2). */
static void *holder(void *arg)
{
	MUST(pthread_mutex_lock(&own) == 0);
	pthread_barrier_wait(&up);
	subject_wait_for("go");
	return NULL;
}

static void child(void *arg)
{
	MUST(pthread_mutex_lock(lock) == 0);
	child_up();
	subject_wait_for("go");
}

int main(int argc, char **argv)
{
	pthread_t t;
	pid_t pid;
	int ret;

	subject_begin(argc, argv);
	lock = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	MUST(lock != MAP_FAILED);
	init(lock, PTHREAD_PROCESS_SHARED);
	init(&own, PTHREAD_PROCESS_PRIVATE);
	pid = child_start(child, NULL);
	MUST(pthread_barrier_init(&up, NULL, 2) == 0);
	MUST(pthread_create(&t, NULL, holder, NULL) == 0);
	pthread_barrier_wait(&up);
	CHECK(pthread_mutex_trylock(lock) == EBUSY && pthread_mutex_trylock(&own) == EBUSY, "nobody holds the locks");

	subject_wait();

	ret = pthread_mutex_lock(lock);
	CHECK(ret == EOWNERDEAD, "the lock of the child: %s", strerror(ret));
	ret = pthread_mutex_lock(&own);
	CHECK(ret == EOWNERDEAD, "the lock of the thread: %s", strerror(ret));
	pthread_join(t, NULL);
	child_end(pid);
	return subject_end();
}
