/* tests/kinds/refused/thread-tables.c -- threads with a working directory or descriptors of their own (unshare(2)).
 *
 * harness: expect: refused has a working directory of its own
 * harness: expect: refused has a descriptor table of its own
 */

#include <pthread.h>
#include <sched.h>

#include "tests/harness/subject.h"

static pthread_barrier_t up;

static void *thread(void *arg)
{
	char path[4096];

	MUST(unshare((int)(long)arg) == 0);
	if ((long)arg == CLONE_FS)
		MUST(chdir("/") == 0);
	else
		MUST(dup2(0, 77) == 77);
	pthread_barrier_wait(&up);
	subject_wait_for("go");
	if ((long)arg == CLONE_FS)
		CHECK(getcwd(path, sizeof(path)) && strcmp(path, "/") == 0, "the thread works in %s", path);
	else
		CHECK(fcntl(77, F_GETFD) >= 0, "the thread has lost its descriptor");
	return NULL;
}

int main(int argc, char **argv)
{
	pthread_t fs, files;

	subject_begin(argc, argv);
	MUST(pthread_barrier_init(&up, NULL, 3) == 0);
	MUST(pthread_create(&fs, NULL, thread, (void *)(long)CLONE_FS) == 0);
	MUST(pthread_create(&files, NULL, thread, (void *)(long)CLONE_FILES) == 0);
	pthread_barrier_wait(&up);

	subject_wait();

	pthread_join(fs, NULL);
	pthread_join(files, NULL);
	CHECK(fcntl(77, F_GETFD) < 0, "the first thread has the other one's descriptor");
	return subject_end();
}
