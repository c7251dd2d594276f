/* tests/kinds/threads/leader.c -- the first thread has ended, others go on: nothing can be done in the name of the process.
 *
 * harness: expect: refused first thread
 */

#include <pthread.h>

#include "tests/harness/family.h"

static void *thread(void *arg)
{
	subject_nap();
	subject_nap();
	child_up();
	subject_wait_for("go");
	_exit(0);
}

static void child(void *arg)
{
	pthread_t t;

	MUST(pthread_create(&t, NULL, thread, NULL) == 0);
	pthread_exit(NULL);
}

int main(int argc, char **argv)
{
	pid_t pid;

	subject_begin(argc, argv);
	pid = child_start(child, NULL);

	subject_wait();

	child_end(pid);
	return subject_end();
}
