/* tests/kinds/rlimit/all.c -- every limit, soft and hard, with and without end. */

#include <stdint.h>
#include <sys/resource.h>

#include "tests/harness/subject.h"

#define NONE RLIM_INFINITY

static struct limit {
	const char *name;
	int resource;
	struct rlimit value;
} limits[] = {
	{ "cpu", RLIMIT_CPU, { 1000, 2000 } },
	{ "fsize", RLIMIT_FSIZE, { 1ULL << 33, 1ULL << 34 } },
	{ "data", RLIMIT_DATA, { 1ULL << 35, NONE } },
	{ "stack", RLIMIT_STACK, { 4 << 20, NONE } },
	{ "core", RLIMIT_CORE, { 0, 4096 } },
	{ "rss", RLIMIT_RSS, { 1 << 30, 1 << 30 } },
	{ "nproc", RLIMIT_NPROC, { 1500, 1600 } },
	{ "nofile", RLIMIT_NOFILE, { 55, 66 } },
	{ "memlock", RLIMIT_MEMLOCK, { 8192, 8192 } },
	{ "as", RLIMIT_AS, { 1ULL << 40, NONE } },
	{ "locks", RLIMIT_LOCKS, { NONE, NONE } },
	{ "sigpending", RLIMIT_SIGPENDING, { 77, 88 } },
	{ "msgqueue", RLIMIT_MSGQUEUE, { 0, 4097 } },
	{ "nice", RLIMIT_NICE, { 0, 0 } },
	{ "rtprio", RLIMIT_RTPRIO, { 0, 0 } },
	{ "rttime", RLIMIT_RTTIME, { 10000000, NONE } },
};

enum { LIMITS = sizeof(limits) / sizeof(limits[0]) };

static rlim_t smaller(rlim_t a, rlim_t b)
{
	return a < b ? a : b;
}

int main(int argc, char **argv)
{
	subject_begin(argc, argv);
	_Static_assert((int)LIMITS == (int)RLIM_NLIMITS, "a limit is missing");
	for (int i = 0; i < LIMITS; i++) {
		struct rlimit now;

		/* A hard limit can only be lowered. */
		MUST(getrlimit(limits[i].resource, &now) == 0);
		limits[i].value.rlim_max = smaller(limits[i].value.rlim_max, now.rlim_max);
		limits[i].value.rlim_cur = smaller(limits[i].value.rlim_cur, now.rlim_max);
		MUST(setrlimit(limits[i].resource, &limits[i].value) == 0);
	}

	subject_wait();

	for (int i = 0; i < LIMITS; i++) {
		struct rlimit now, want = limits[i].value;

		MUST(getrlimit(limits[i].resource, &now) == 0);
		CHECK(now.rlim_cur == want.rlim_cur && now.rlim_max == want.rlim_max, "%s: %ld/%ld, not %ld/%ld", limits[i].name,
		      (long)now.rlim_cur, (long)now.rlim_max, (long)want.rlim_cur, (long)want.rlim_max);
	}
	return subject_end();
}
