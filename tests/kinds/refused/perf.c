/* tests/kinds/refused/perf.c -- a performance counter.
 *
 * harness: expect: refused perf
 */

#include <linux/perf_event.h>
#include <sys/syscall.h>

#include "tests/harness/subject.h"

int main(int argc, char **argv)
{
	struct perf_event_attr attr = { .type = PERF_TYPE_SOFTWARE, .size = sizeof(attr), .config = PERF_COUNT_SW_TASK_CLOCK };
	long long count = 0;
	int fd;

	subject_begin(argc, argv);
	fd = syscall(SYS_perf_event_open, &attr, 0, -1, -1, 0);
	if (fd < 0)
		subject_skip("performance counters are not allowed here");

	subject_wait();

	CHECK(read(fd, &count, sizeof(count)) == sizeof(count) && count > 0, "the counter has %lld", count);
	return subject_end();
}
