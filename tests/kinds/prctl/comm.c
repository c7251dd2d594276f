/* tests/kinds/prctl/comm.c -- names of a task and of its threads, made to mislead who reads /proc/PID/stat. */

#include <pthread.h>
#include <sys/prctl.h>

#include "tests/harness/subject.h"

static const char *const names[] = { "a) R 1 (b", "", "15 characters..", "new\nline\\", "\xc3\xa4 utf8" };

enum { THREADS = sizeof(names) / sizeof(names[0]) };

static pthread_barrier_t up;

static void check_name(const char *want)
{
	char name[16];

	MUST(prctl(PR_GET_NAME, name, 0, 0, 0) == 0);
	CHECK(strcmp(name, want) == 0, "the name is \"%s\", not \"%s\"", name, want);
}

static void *thread(void *arg)
{
	MUST(prctl(PR_SET_NAME, arg, 0, 0, 0) == 0);
	pthread_barrier_wait(&up);
	subject_wait_for("go");
	check_name(arg);
	return NULL;
}

int main(int argc, char **argv)
{
	pthread_t threads[THREADS];

	subject_begin(argc, argv);
	MUST(prctl(PR_SET_NAME, "Name: x) Z (", 0, 0, 0) == 0);
	MUST(pthread_barrier_init(&up, NULL, THREADS + 1) == 0);
	for (int i = 0; i < THREADS; i++)
		MUST(pthread_create(&threads[i], NULL, thread, (void *)names[i]) == 0);
	pthread_barrier_wait(&up);

	subject_wait();

	check_name("Name: x) Z (");
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	return subject_end();
}
