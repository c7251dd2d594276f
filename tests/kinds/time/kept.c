/* tests/kinds/time/kept.c -- clocks that go on from where they were, when that was asked for: the time in between does not count.
 *
 * harness: restore: --keep-clocks
 * harness: compare: no: it comes back in a time namespace
 * harness: to-peer: has no such option
 */

#include <sys/timerfd.h>

#include "tests/harness/subject.h"

static double now(clockid_t clock)
{
	struct timespec ts;

	clock_gettime(clock, &ts);
	return ts.tv_sec + ts.tv_nsec / 1e9;
}

static void ns_of(char name[64])
{
	ssize_t len = readlink("/proc/self/ns/time", name, 63);

	name[len > 0 ? len : 0] = 0;
}

int main(int argc, char **argv)
{
	double real, mono, boot, left;
	char before[64], after[64];
	struct itimerspec it = { 0 };
	int fd;

	subject_begin(argc, argv);
	if (access("/proc/self/timens_offsets", F_OK) < 0)
		subject_skip("this kernel has no time namespaces");
	ns_of(before);
	fd = timerfd_create(CLOCK_MONOTONIC, 0);
	it.it_value.tv_sec = (time_t)now(CLOCK_MONOTONIC) + 1000;
	MUST(fd >= 0 && timerfd_settime(fd, TFD_TIMER_ABSTIME, &it, NULL) == 0);
	real = now(CLOCK_REALTIME);
	mono = now(CLOCK_MONOTONIC);
	boot = now(CLOCK_BOOTTIME);

	subject_wait();

	ns_of(after);
	real = now(CLOCK_REALTIME) - real;
	mono = now(CLOCK_MONOTONIC) - mono;
	boot = now(CLOCK_BOOTTIME) - boot;
	CHECK(mono >= 0 && boot >= 0, "clocks went back: monotonic by %f, boottime by %f", -mono, -boot);
	if (strcmp(before, after))
		CHECK(mono < real && boot < real, "the time of the dump counts: %f and %f of %f s", mono, boot, real);
	MUST(timerfd_gettime(fd, &it) == 0);
	left = it.it_value.tv_sec + it.it_value.tv_nsec / 1e9;
	CHECK(left <= 1000 && left > 1000 - mono - 2, "the timer has %f s left", left);
	return subject_end();
}
