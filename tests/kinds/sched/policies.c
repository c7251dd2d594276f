/* tests/kinds/sched/policies.c -- policy, priority and nice value of threads. */

#include <pthread.h>
#include <sched.h>
#include <sys/resource.h>

#include "tests/harness/subject.h"

static struct row {
	const char *name;
	int policy, priority, nice;
} rows[] = {
	{ "other 7", SCHED_OTHER, 0, 7 },  { "other -5", SCHED_OTHER, 0, -5 }, { "batch 3", SCHED_BATCH, 0, 3 },
	{ "idle", SCHED_IDLE, 0, 0 },	   { "fifo 1", SCHED_FIFO, 1, 0 },     { "rr 50", SCHED_RR, 50, 0 },
	{ "other 19", SCHED_OTHER, 0, 19 },
};

enum { ROWS = sizeof(rows) / sizeof(rows[0]) };

static pthread_barrier_t up;

static void *thread(void *arg)
{
	struct row *row = arg;
	struct sched_param param = { .sched_priority = row->priority };

	MUST(setpriority(PRIO_PROCESS, gettid(), row->nice) == 0);
	if (sched_setscheduler(0, row->policy, &param) < 0)
		subject_skip("real-time policies are not allowed here");
	pthread_barrier_wait(&up);

	subject_wait_for("go");

	CHECK(sched_getscheduler(0) == row->policy, "%s: policy %d", row->name, sched_getscheduler(0));
	sched_getparam(0, &param);
	CHECK(param.sched_priority == row->priority, "%s: priority %d", row->name, param.sched_priority);
	CHECK(getpriority(PRIO_PROCESS, gettid()) == row->nice, "%s: nice %d", row->name, getpriority(PRIO_PROCESS, gettid()));
	return NULL;
}

int main(int argc, char **argv)
{
	pthread_t threads[ROWS];

	subject_begin(argc, argv);
	MUST(pthread_barrier_init(&up, NULL, ROWS + 1) == 0);
	for (int i = 0; i < ROWS; i++)
		MUST(pthread_create(&threads[i], NULL, thread, &rows[i]) == 0);
	pthread_barrier_wait(&up);

	subject_wait();

	for (int i = 0; i < ROWS; i++)
		pthread_join(threads[i], NULL);
	return subject_end();
}
