/* tests/kinds/vma/sealed.c -- what later kernels can do to a mapping: seal it, lock it as it is touched, lock it around guard regions.
 * harness: peer: it has no place for seals and locks like these
 */

#include <sys/mman.h>
#include <sys/syscall.h>

#include "tests/harness/subject.h"

enum { PAGE = 4096, PAGES = 8, GUARD_INSTALL = 102, NR_MSEAL = 462 };

static char *anon(void)
{
	char *mem = mmap(NULL, PAGES * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	MUST(mem != MAP_FAILED);
	memset(mem, 's', 2 * PAGE);
	return mem;
}

int main(int argc, char **argv)
{
	char *sealed, *on_fault, *guarded;
	unsigned char there[PAGES];

	subject_begin(argc, argv);
	sealed = anon();
	if (syscall(NR_MSEAL, sealed, PAGES * PAGE, 0) < 0)
		subject_skip("the kernel has no mseal");
	on_fault = anon();
	MUST(mlock2(on_fault, PAGES * PAGE, MLOCK_ONFAULT) == 0);
	guarded = anon();
	if (madvise(guarded + 4 * PAGE, PAGE, GUARD_INSTALL) == 0)
		mlock(guarded, PAGES * PAGE);

	subject_wait();

	CHECK(sealed[0] == 's' && sealed[2 * PAGE - 1] == 's' && !sealed[2 * PAGE],
		"contents of the sealed mapping");
	CHECK(munmap(sealed, PAGE) < 0 && errno == EPERM, "the sealed mapping can be unmapped");
	CHECK(mprotect(sealed, PAGE, PROT_READ) < 0 && errno == EPERM, "the sealed mapping can be protected");
	CHECK(on_fault[0] == 's' && guarded[0] == 's', "contents of the locked mappings");
	CHECK(mincore(on_fault, PAGES * PAGE, there) == 0 && there[0] & 1 && !(there[5] & 1),
		"locked as a whole: %d %d", there[0], there[5]);
	return subject_end();
}
