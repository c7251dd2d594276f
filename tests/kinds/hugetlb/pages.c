/* tests/kinds/hugetlb/pages.c -- huge pages (MAP_HUGETLB), private and shared.
 * harness: peer: it makes a memfd of shared anonymous huge pages
 */

#include <sys/mman.h>

#include "tests/harness/subject.h"

#define HUGE (2ul << 20)

int main(int argc, char **argv)
{
	char *private, *shared;

	subject_begin(argc, argv);
	private = mmap(
		NULL, 2 * HUGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB, -1, 0);
	if (private == MAP_FAILED)
		subject_skip("no huge pages are set aside (vm.nr_hugepages)");
	shared = mmap(NULL, HUGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS | MAP_HUGETLB, -1, 0);
	if (shared == MAP_FAILED)
		subject_skip("too few huge pages are set aside (vm.nr_hugepages)");
	memset(private + HUGE, 'p', 8192);
	memset(shared + 8192, 's', 4096);

	subject_wait();

	CHECK(!private[0] && private[HUGE] == 'p' && private[HUGE + 8191] == 'p' && !private[HUGE + 8192],
		"private");
	CHECK(!shared[8191] && shared[8192] == 's' && shared[12287] == 's' && !shared[12288], "shared");
	private[0] = 1;
	return subject_end();
}
