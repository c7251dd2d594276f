/* tests/kinds/vma/guard.c -- guard regions (MADV_GUARD_INSTALL) inside a mapping. */

#include <setjmp.h>
#include <signal.h>
#include <sys/mman.h>

#include "tests/harness/subject.h"

enum { PAGE = 4096, PAGES = 16, GUARD_INSTALL = 102, GUARD_REMOVE = 103 };

static sigjmp_buf back;

static void fault(int sig)
{
	siglongjmp(back, 1);
}

static int can_read(volatile char *at)
{
	if (sigsetjmp(back, 1))
		return 0;
	(void)*at;
	return 1;
}

int main(int argc, char **argv)
{
	char *mem;

	subject_begin(argc, argv);
	mem = mmap(NULL, PAGES * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	MUST(mem != MAP_FAILED);
	memset(mem, 'x', 8 * PAGE);
	if (madvise(mem + 2 * PAGE, 2 * PAGE, GUARD_INSTALL) < 0)
		subject_skip("the kernel has no guard regions");
	MUST(madvise(mem + 12 * PAGE, PAGE, GUARD_INSTALL) == 0);
	signal(SIGSEGV, fault);

	subject_wait();

	for (int i = 0; i < PAGES; i++) {
		int guarded = i == 2 || i == 3 || i == 12;

		CHECK(can_read(mem + i * PAGE) == !guarded, "page %d: guard %d", i, guarded);
		if (!guarded)
			CHECK(mem[i * PAGE] == (i < 8 ? 'x' : 0), "page %d: contents", i);
	}
	CHECK(madvise(mem, PAGES * PAGE, GUARD_REMOVE) == 0, "removing the guards: %s", strerror(errno));
	CHECK(can_read(mem + 2 * PAGE) && mem[2 * PAGE] == 0, "after the guards were removed");
	return subject_end();
}
