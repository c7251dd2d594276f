/* tests/kinds/time/clocks.c -- a time namespace of its own: its clocks go on, far from those of the host.
 *
 * harness: places: host
 * harness: compare: no: a task that entered a namespace itself is born in it afterwards
 */

#include <sched.h>

#include "tests/harness/subject.h"

#ifndef CLONE_NEWTIME
#define CLONE_NEWTIME 0x00000080
#endif

static long now(clockid_t clock)
{
	struct timespec ts;

	clock_gettime(clock, &ts);
	return ts.tv_sec;
}

int main(int argc, char **argv)
{
	static const char offsets[] = "monotonic 1000000 0\nboottime 2000000 0\n";
	long mono, boot;
	int fd, ns;

	if (unshare(CLONE_NEWTIME) < 0)
		return 1;
	fd = open("/proc/self/timens_offsets", O_WRONLY);
	MUST(fd >= 0 && write(fd, offsets, sizeof(offsets) - 1) == sizeof(offsets) - 1);
	close(fd);
	ns = open("/proc/self/ns/time_for_children", O_RDONLY);
	MUST(ns >= 0 && setns(ns, CLONE_NEWTIME) == 0);
	close(ns);
	mono = now(CLOCK_MONOTONIC);
	boot = now(CLOCK_BOOTTIME);
	subject_begin(argc, argv);

	subject_wait();

	CHECK(now(CLOCK_MONOTONIC) - mono >= 0 && now(CLOCK_MONOTONIC) - mono < 60, "monotonic went from %ld to %ld", mono,
		now(CLOCK_MONOTONIC));
	CHECK(now(CLOCK_BOOTTIME) - boot >= 0 && now(CLOCK_BOOTTIME) - boot < 60, "boottime went from %ld to %ld", boot,
		now(CLOCK_BOOTTIME));
	return subject_end();
}
