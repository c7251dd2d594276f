/* tests/kinds/refused/thread-namespaces.c -- threads with namespaces of their own, and a pid namespace that waits for its first process.
 *
 * harness: places: host
 * harness: expect: refused a network namespace of its own is not supported
 * harness: expect: refused a UTS namespace of its own is not supported
 * harness: expect: refused a pid namespace for its children of its own is not supported
 */

#include <pthread.h>
#include <sched.h>

#include "tests/harness/subject.h"

static pthread_barrier_t up;
static const int kinds[] = { CLONE_NEWNET, CLONE_NEWUTS, CLONE_NEWPID };

enum { KINDS = sizeof(kinds) / sizeof(kinds[0]) };

static void *thread(void *arg)
{
	const int *kind = arg;
	char host[80] = "";

	MUST(unshare(*kind) == 0);
	if (*kind == CLONE_NEWUTS)
		MUST(sethostname("mine", 4) == 0);
	pthread_barrier_wait(&up);
	subject_wait_for("go");
	gethostname(host, sizeof(host));
	CHECK(*kind != CLONE_NEWUTS || !strcmp(host, "mine"), "this host is %s", host);
	return NULL;
}

int main(int argc, char **argv)
{
	pthread_t threads[KINDS];

	subject_begin(argc, argv);
	MUST(pthread_barrier_init(&up, NULL, KINDS + 1) == 0);
	for (int i = 0; i < KINDS; i++)
		MUST(pthread_create(&threads[i], NULL, thread, (void *)&kinds[i]) == 0);
	pthread_barrier_wait(&up);

	subject_wait();

	for (int i = 0; i < KINDS; i++)
		pthread_join(threads[i], NULL);
	return subject_end();
}
