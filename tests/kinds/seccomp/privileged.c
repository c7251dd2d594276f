/* tests/kinds/seccomp/privileged.c -- filters that root put there and then gave itself up: the task has no right to install any, and may
 * gain privileges. Threads too.
 *
 * harness: peer: such filters cannot be installed any more when it comes to them
 */

#include <grp.h>
#include <pthread.h>

#include "tests/harness/subject.h"
#include "tests/kinds/seccomp/filters.h"

static pthread_barrier_t up;

static void *thread(void *arg)
{
	MUST(filter_call(SYS_getgid, 101, 0) == 0);
	MUST(syscall(SYS_setresuid, 1000, 1000, 1000) == 0);
	pthread_barrier_wait(&up);
	subject_wait_for("go");
	CHECK(filtered(SYS_getppid, 100) && filtered(SYS_getgid, 101), "the thread has lost its filters");
	CHECK(filter_call(SYS_getegid, 102, 0) < 0 && errno == EACCES, "the thread may install filters now");
	CHECK(setuid(0) < 0, "the thread is root");
	return NULL;
}

int main(int argc, char **argv)
{
	pthread_t other;

	subject_begin(argc, argv);
	if (filter_call(SYS_getppid, 100, 0) < 0)
		subject_skip("no CAP_SYS_ADMIN");
	MUST(pthread_barrier_init(&up, NULL, 2) == 0);
	MUST(pthread_create(&other, NULL, thread, NULL) == 0);
	pthread_barrier_wait(&up);
	MUST(syscall(SYS_setgroups, 0, NULL) == 0);
	MUST(syscall(SYS_setresuid, 1000, 1000, 1000) == 0);

	subject_wait();

	CHECK(filtered(SYS_getppid, 100), "the filter is gone");
	CHECK(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 0, "it has no_new_privs");
	CHECK(filter_call(SYS_getegid, 102, 0) < 0 && errno == EACCES, "it may install filters now");
	CHECK(setuid(0) < 0, "it is root");
	pthread_join(other, NULL);
	return subject_end();
}
