/* tests/kinds/timer/many.c -- a thousand timers, the first of which has a number far from 0. */

#include <signal.h>
#include <sys/syscall.h>

#include "tests/harness/subject.h"

enum { BEFORE = 3000, TIMERS = 1000 };

static int create(int clock)
{
	struct sigevent ev = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1 };
	int id = -1;

	MUST(syscall(SYS_timer_create, clock, &ev, &id) == 0);
	return id;
}

static long left_of(int nr)
{
	return 1000 + nr;
}

int main(int argc, char **argv)
{
	int ids[TIMERS];

	subject_begin(argc, argv);
	for (int i = 0; i < BEFORE; i++)
		MUST(syscall(SYS_timer_delete, create(CLOCK_MONOTONIC)) == 0);
	for (int i = 0; i < TIMERS; i++) {
		struct itimerspec spec = { { 0, 0 }, { left_of(i), 0 } };

		ids[i] = create(i % 2 ? CLOCK_MONOTONIC : CLOCK_REALTIME);
		MUST(syscall(SYS_timer_settime, ids[i], 0, &spec, NULL) == 0);
	}

	subject_wait();

	for (int i = 0; i < TIMERS; i++) {
		struct itimerspec now = { 0 };

		CHECK(syscall(SYS_timer_gettime, ids[i], &now) == 0, "timer %d: %s", ids[i], strerror(errno));
		CHECK(now.it_value.tv_sec <= left_of(i) && now.it_value.tv_sec > left_of(i) - 100, "timer %d: %ld s are left of %ld",
		      ids[i], now.it_value.tv_sec, left_of(i));
	}
	return subject_end();
}
