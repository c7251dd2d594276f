/* tests/kinds/mm/lock-future.c -- what is mapped later is locked, too (mlockall(2)): in one process as it is mapped, in a child as it is
 * touched, and in another child not.
 *
 * harness: to-peer: it does not know it
 * harness: from-peer: it does not know it
 */

#include <sys/mman.h>

#include "tests/harness/family.h"

enum { PAGE = 4096 };

/* 0: not locked, 1: locked, 2: as it is touched */
static int locks(void)
{
	char *mem = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	unsigned char there = 0;
	int ret;

	if (mem == MAP_FAILED || mincore(mem, PAGE, &there) < 0)
		return -1;
	/* Locked pages cannot be invalidated. */
	ret = msync(mem, PAGE, MS_INVALIDATE) == 0 ? 0 : there & 1 ? 1 : 2;
	munmap(mem, PAGE);
	return ret;
}

static void child(void *arg)
{
	int how = (int)(long)arg;

	MUST(munlockall() == 0 && (!how || mlockall(how == 2 ? MCL_FUTURE | MCL_ONFAULT : MCL_FUTURE) == 0));
	MUST(locks() == how);
	child_up();
	subject_wait_for("go");
	CHECK(locks() == how, "locks as %d, not as %d", locks(), how);
}

int main(int argc, char **argv)
{
	pid_t pids[3];

	subject_begin(argc, argv);
	if (mlockall(MCL_FUTURE) < 0)
		subject_skip("memory cannot be locked here");
	munlockall();
	for (long how = 0; how < 3; how++)
		pids[how] = child_start(child, (void *)how);

	subject_wait();

	for (int i = 0; i < 3; i++)
		child_end(pids[i]);
	return subject_end();
}
