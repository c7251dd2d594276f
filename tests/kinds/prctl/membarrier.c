/* tests/kinds/prctl/membarrier.c -- what a task has registered for with membarrier(2). */

#include <linux/membarrier.h>
#include <sys/syscall.h>

#include "tests/harness/subject.h"

static int barrier(int command)
{
	return syscall(SYS_membarrier, command, 0, 0);
}

int main(int argc, char **argv)
{
	subject_begin(argc, argv);
	MUST(barrier(MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED) == 0);
	MUST(barrier(MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED_SYNC_CORE) == 0);

	subject_wait();

	CHECK(barrier(MEMBARRIER_CMD_PRIVATE_EXPEDITED) == 0, "private: %s", strerror(errno));
	CHECK(barrier(MEMBARRIER_CMD_PRIVATE_EXPEDITED_SYNC_CORE) == 0, "private, sync core: %s", strerror(errno));
	CHECK(barrier(MEMBARRIER_CMD_PRIVATE_EXPEDITED_RSEQ) < 0 && errno == EPERM, "it is registered for more than before");
	return subject_end();
}
