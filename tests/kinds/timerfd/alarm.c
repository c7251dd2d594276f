/* tests/kinds/timerfd/alarm.c -- timerfds of the clocks that wake a sleeping machine. */
/* harness: peer: CRIU 4.2 does not know these clocks */

#include <sys/timerfd.h>

#include "tests/harness/subject.h"

static const clockid_t clocks[] = { CLOCK_REALTIME_ALARM, CLOCK_BOOTTIME_ALARM };

enum {
	NR = sizeof(clocks) / sizeof(clocks[0]),
	FAR = 5000, /* seconds */
};

int main(int argc, char **argv)
{
	struct itimerspec far = { .it_value = { FAR, 0 } }, now;
	int fds[NR];

	subject_begin(argc, argv);
	for (int i = 0; i < NR; i++) {
		fds[i] = timerfd_create(clocks[i], 0);
		if (fds[i] < 0 && (errno == EPERM || errno == EINVAL || errno == EOPNOTSUPP))
			subject_skip("no alarm clocks here");
		MUST(fds[i] >= 0 && timerfd_settime(fds[i], 0, &far, NULL) == 0);
	}

	subject_wait();

	for (int i = 0; i < NR; i++) {
		MUST(timerfd_gettime(fds[i], &now) == 0);
		CHECK(now.it_value.tv_sec > FAR - 200 && now.it_value.tv_sec <= FAR, "clock %d: %ld s are left", clocks[i],
			(long)now.it_value.tv_sec);
	}
	return subject_end();
}
