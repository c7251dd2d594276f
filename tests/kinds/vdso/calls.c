/* tests/kinds/vdso/calls.c -- the vdso still tells the time, where the auxiliary vector says it is. */

#include <elf.h>
#include <sched.h>
#include <sys/auxv.h>
#include <sys/syscall.h>
#include <sys/time.h>

#include "tests/harness/subject.h"

static long long ns(const struct timespec *ts)
{
	return ts->tv_sec * 1000000000ll + ts->tv_nsec;
}

int main(int argc, char **argv)
{
	static const clockid_t clocks[] = { CLOCK_REALTIME, CLOCK_MONOTONIC, CLOCK_BOOTTIME,
		CLOCK_MONOTONIC_COARSE };
	const unsigned char *vdso;
	struct timespec before, fast, slow;
	struct timeval tv;
	unsigned cpu;

	subject_begin(argc, argv);
	vdso = (const unsigned char *)getauxval(AT_SYSINFO_EHDR);
	if (!vdso)
		subject_skip("there is no vdso");
	MUST(!memcmp(vdso, ELFMAG, SELFMAG));
	clock_gettime(CLOCK_BOOTTIME, &before);

	subject_wait();

	CHECK(getauxval(AT_SYSINFO_EHDR) == (unsigned long)vdso && !memcmp(vdso, ELFMAG, SELFMAG),
		"there is no vdso");
	for (int i = 0; i < 4; i++) {
		long long diff;

		clock_gettime(clocks[i], &fast);
		syscall(SYS_clock_gettime, clocks[i], &slow);
		diff = ns(&slow) - ns(&fast);
		CHECK(diff >= -20000000 && diff < 1000000000, "clock %d is off by %lld ns", (int)clocks[i],
			diff);
	}
	clock_gettime(CLOCK_BOOTTIME, &fast);
	CHECK(ns(&fast) >= ns(&before), "time went back");
	CHECK(gettimeofday(&tv, NULL) == 0 && time(NULL) - tv.tv_sec <= 1, "gettimeofday");
	CHECK(syscall(SYS_getcpu, &cpu, NULL, NULL) == 0 && sched_getcpu() >= 0, "getcpu");
	return subject_end();
}
