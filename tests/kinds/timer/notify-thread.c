/* tests/kinds/timer/notify-thread.c -- SIGEV_THREAD: the C library's own thread that waits for the timer's signal. */

#include <signal.h>

#include "tests/harness/subject.h"

static _Atomic int calls;

static void notify(union sigval value)
{
	calls += value.sival_int;
}

int main(int argc, char **argv)
{
	static const struct itimerspec spec = { { 0, 20000000 }, { 0, 20000000 } };
	struct sigevent ev = { .sigev_notify = SIGEV_THREAD, .sigev_notify_function = notify, .sigev_value.sival_int = 1 };
	timer_t timer;
	int before;

	/* harness: compare: no
	 * Each notification is a new thread, which comes and goes. */
	subject_begin(argc, argv);
	MUST(timer_create(CLOCK_MONOTONIC, &ev, &timer) == 0);
	MUST(timer_settime(timer, 0, &spec, NULL) == 0);

	subject_wait();

	before = calls;
	while (calls < before + 3)
		subject_nap();
	return subject_end();
}
