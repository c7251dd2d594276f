/* tests/kinds/rseq/none.c -- a task that has registered no area, and gets none. */

#include <sys/rseq.h>
#include <sys/syscall.h>

#include "tests/harness/subject.h"

static struct rseq area __attribute__((aligned(32)));

int main(int argc, char **argv)
{
	subject_begin(argc, argv);
	if (argc == 2) {
		setenv("GLIBC_TUNABLES", "glibc.pthread.rseq=0", 1);
		execl("/proc/self/exe", argv[0], argv[1], "again", NULL);
		MUST(!"execl");
	}
	MUST(__rseq_size == 0);

	subject_wait();

	CHECK(syscall(SYS_rseq, &area, sizeof(area), 0, RSEQ_SIG) == 0, "an area is registered: %s", strerror(errno));
	CHECK((int)area.cpu_id >= 0, "the area says CPU %d", (int)area.cpu_id);
	return subject_end();
}
