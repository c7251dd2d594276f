/* tests/kinds/signal/queue.c -- thousands of signals that wait, each with a value. */

#include <signal.h>

#include "tests/harness/subject.h"

enum { SIGNALS = 5000 };

int main(int argc, char **argv)
{
	sigset_t set;

	subject_begin(argc, argv);
	sigfillset(&set);
	sigprocmask(SIG_BLOCK, &set, NULL);
	for (int i = 0; i < SIGNALS; i++)
		MUST(sigqueue(getpid(), SIGRTMIN + i % 2, (union sigval){ .sival_int = i }) == 0);

	subject_wait();

	for (int i = 0; i < SIGNALS; i++) {
		/* First all of the lower number, then all of the higher. */
		int want = i < SIGNALS / 2 ? 2 * i : 2 * (i - SIGNALS / 2) + 1;
		siginfo_t info = { 0 };
		int ret = sigtimedwait(&set, &info, &(struct timespec){ 0, 0 });

		CHECK(ret == SIGRTMIN + want % 2, "signal %d: %d, %s", i, ret, strerror(errno));
		CHECK(info.si_value.sival_int == want, "signal %d: value %d, not %d", i, info.si_value.sival_int, want);
	}
	CHECK(sigtimedwait(&set, NULL, &(struct timespec){ 0, 0 }) < 0, "there are more signals than before");
	return subject_end();
}
