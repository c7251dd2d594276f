/* tests/kinds/sched/cpus.c -- CPUs that each thread may run on, and those of a task that nobody has confined.
 *
 * harness: peer: has no field for it
 */

#include <pthread.h>
#include <sched.h>

#include "tests/harness/family.h"

static cpu_set_t all;
static pthread_barrier_t up;

static int nth(int n)
{
	for (int cpu = 0; cpu < CPU_SETSIZE; cpu++)
		if (CPU_ISSET(cpu, &all) && n-- == 0)
			return cpu;
	return -1;
}

static void confine(int cpu)
{
	cpu_set_t one;

	CPU_ZERO(&one);
	CPU_SET(cpu, &one);
	MUST(sched_setaffinity(0, sizeof(one), &one) == 0);
}

static void check(const char *who, int cpu)
{
	cpu_set_t now, one;

	CPU_ZERO(&one);
	CPU_SET(cpu, &one);
	MUST(sched_getaffinity(0, sizeof(now), &now) == 0);
	CHECK(CPU_EQUAL(&now, &one), "%s may run on %d CPUs, and not on %d alone", who, CPU_COUNT(&now), cpu);
}

static void *thread(void *arg)
{
	confine(nth(1));
	pthread_barrier_wait(&up);
	subject_wait_for("go");
	check("the thread", nth(1));
	return NULL;
}

static void child(void *arg)
{
	cpu_set_t now;

	child_up();
	subject_wait_for("go");
	MUST(sched_getaffinity(0, sizeof(now), &now) == 0);
	CHECK(CPU_EQUAL(&now, &all), "the child may run on %d CPUs", CPU_COUNT(&now));
}

int main(int argc, char **argv)
{
	pthread_t other;
	pid_t pid;

	subject_begin(argc, argv);
	MUST(sched_getaffinity(0, sizeof(all), &all) == 0);
	if (CPU_COUNT(&all) < 2)
		subject_skip("there is one CPU");
	pid = child_start(child, NULL);
	MUST(pthread_barrier_init(&up, NULL, 2) == 0);
	MUST(pthread_create(&other, NULL, thread, NULL) == 0);
	pthread_barrier_wait(&up);
	confine(nth(0));

	subject_wait();

	check("the main thread", nth(0));
	pthread_join(other, NULL);
	child_end(pid);
	return subject_end();
}
