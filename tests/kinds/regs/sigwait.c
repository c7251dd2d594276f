/* tests/kinds/regs/sigwait.c -- a thread in sigtimedwait(2), which signal(7) lets fail with EINTR whenever a task was stopped.
 *
 * harness: compare: no
 * What it waits for is not blocked while it waits, and blocked again once the call has failed.
 */

#include <pthread.h>
#include <signal.h>

#include "tests/harness/subject.h"

static sigset_t set;

static void *thread(void *arg)
{
	static const struct timespec long_time = { 1000, 0 };
	siginfo_t info = { 0 };
	int ret;

	do
		ret = sigtimedwait(&set, &info, &long_time);
	while (ret < 0 && errno == EINTR);
	CHECK(ret == SIGUSR1 && info.si_value.sival_int == 42, "sigtimedwait: signal %d, value %d, %s", ret,
	      info.si_value.sival_int, strerror(errno));
	return NULL;
}

int main(int argc, char **argv)
{
	pthread_t t;

	subject_begin(argc, argv);
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	MUST(pthread_create(&t, NULL, thread, NULL) == 0);
	subject_nap();

	subject_wait();

	CHECK(sigqueue(getpid(), SIGUSR1, (union sigval){ .sival_int = 42 }) == 0, "sigqueue: %s", strerror(errno));
	pthread_join(t, NULL);
	return subject_end();
}
