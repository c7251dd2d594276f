/* tests/kinds/timerfd/clocks.c -- timerfds of the common clocks: armed, periodic, absolute, expired unread, never armed. */

#include <sys/timerfd.h>

#include "tests/harness/subject.h"

static const clockid_t clocks[] = { CLOCK_REALTIME, CLOCK_MONOTONIC, CLOCK_BOOTTIME };

enum {
	NR = sizeof(clocks) / sizeof(clocks[0]),
	FAR = 5000, /* seconds */
};

int main(int argc, char **argv)
{
	struct itimerspec far = { .it_value = { FAR, 0 } }, every = { { 1000, 5 }, { FAR, 0 } }, soon = { .it_value = { 0, 1000 } }, now;
	int armed[NR], absolute, expired, idle;
	struct timespec at;
	uint64_t ticks = 0;

	subject_begin(argc, argv);
	for (int i = 0; i < NR; i++) {
		armed[i] = timerfd_create(clocks[i], 0);
		MUST(armed[i] >= 0 && timerfd_settime(armed[i], 0, i % 2 ? &every : &far, NULL) == 0);
	}
	absolute = timerfd_create(CLOCK_REALTIME, TFD_CLOEXEC);
	MUST(absolute >= 0 && clock_gettime(CLOCK_REALTIME, &at) == 0);
	far.it_value.tv_sec = at.tv_sec + FAR;
	MUST(timerfd_settime(absolute, TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET, &far, NULL) == 0);
	expired = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK);
	MUST(expired >= 0 && timerfd_settime(expired, 0, &soon, NULL) == 0);
	subject_nap();
	idle = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK);
	MUST(idle >= 0);

	subject_wait();

	for (int i = 0; i < NR; i++) {
		MUST(timerfd_gettime(armed[i], &now) == 0);
		CHECK(now.it_value.tv_sec > FAR - 200 && now.it_value.tv_sec <= FAR, "clock %d: %ld s are left", clocks[i],
			(long)now.it_value.tv_sec);
		CHECK(now.it_interval.tv_sec == (i % 2 ? 1000 : 0) && now.it_interval.tv_nsec == (i % 2 ? 5 : 0), "clock %d: interval %ld s",
			clocks[i], (long)now.it_interval.tv_sec);
	}
	MUST(timerfd_gettime(absolute, &now) == 0);
	CHECK(now.it_value.tv_sec > FAR - 200 && now.it_value.tv_sec <= FAR, "absolute: %ld s are left", (long)now.it_value.tv_sec);
	CHECK(read(expired, &ticks, sizeof(ticks)) == sizeof(ticks) && ticks == 1, "expired %llu times", (unsigned long long)ticks);
	CHECK(read(idle, &ticks, sizeof(ticks)) < 0 && errno == EAGAIN, "the idle one expired");
	/* And it still runs. */
	MUST(timerfd_settime(idle, 0, &soon, NULL) == 0);
	subject_nap();
	CHECK(read(idle, &ticks, sizeof(ticks)) == sizeof(ticks), "a timer set afterwards: %s", strerror(errno));
	return subject_end();
}
