/* tests/kinds/rseq/getcpu.c -- the restartable sequences area of each thread, which the C library has registered, is alive. */

#include <pthread.h>
#include <sched.h>
#include <sys/rseq.h>
#include <sys/syscall.h>

#include "tests/harness/subject.h"

enum { THREADS = 3 };

static volatile struct rseq *area(void)
{
	return (struct rseq *)((char *)__builtin_thread_pointer() + __rseq_offset);
}

/* The kernel writes where the thread runs whenever it has moved. */
static void check_follows(int nr)
{
	cpu_set_t allowed, one;

	MUST(sched_getaffinity(0, sizeof(allowed), &allowed) == 0);
	for (int cpu = 0; cpu < CPU_SETSIZE; cpu++) {
		if (!CPU_ISSET(cpu, &allowed))
			continue;
		CPU_ZERO(&one);
		CPU_SET(cpu, &one);
		MUST(sched_setaffinity(0, sizeof(one), &one) == 0);
		CHECK((int)area()->cpu_id == cpu && (int)area()->cpu_id_start == cpu, "thread %d: runs on CPU %d, the area says %d",
		      nr, cpu, (int)area()->cpu_id);
		CHECK(sched_getcpu() == cpu, "thread %d: sched_getcpu: %d, not %d", nr, sched_getcpu(), cpu);
	}
	sched_setaffinity(0, sizeof(allowed), &allowed);
}

static void *thread(void *arg)
{
	subject_wait_for("go");
	check_follows((int)(long)arg);
	/* A second registration of the same area is refused as such: it is registered. */
	CHECK(syscall(SYS_rseq, area(), 32, 0, RSEQ_SIG) < 0 && errno == EBUSY, "the area is not registered: %s", strerror(errno));
	return NULL;
}

int main(int argc, char **argv)
{
	pthread_t threads[THREADS];

	subject_begin(argc, argv);
	if (!__rseq_size)
		subject_skip("the C library registers no area");
	for (long i = 0; i < THREADS; i++)
		MUST(pthread_create(&threads[i], NULL, thread, (void *)i) == 0);

	subject_wait();

	check_follows(-1);
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	return subject_end();
}
