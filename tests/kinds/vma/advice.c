/* tests/kinds/vma/advice.c -- memory that is merged (KSM, of a mapping and of the whole process), that may be dropped, and that belongs to
 * a node (mbind, set_mempolicy).
 *
 * harness: peer: knows neither policies nor pages that may be dropped
 */

#include <linux/mempolicy.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include "tests/harness/subject.h"

#ifndef MAP_DROPPABLE
#define MAP_DROPPABLE 0x08
#endif
#ifndef PR_SET_MEMORY_MERGE
#define PR_SET_MEMORY_MERGE 67
#define PR_GET_MEMORY_MERGE 68
#endif

enum { SIZE = 16 * 4096 };

static char *area(int flags)
{
	return mmap(NULL, SIZE, PROT_READ | PROT_WRITE, flags | MAP_ANONYMOUS, -1, 0);
}

static int policy_of(void *at, unsigned long *nodes)
{
	int policy = -1;

	*nodes = 0;
	CHECK(syscall(SYS_get_mempolicy, &policy, nodes, 64, at, at ? MPOL_F_ADDR : 0) == 0, "get_mempolicy: %s", strerror(errno));
	return policy;
}

int main(int argc, char **argv)
{
	unsigned long node = 1, nodes;
	char *merged, *droppable, *bound, *preferred;
	int numa, ksm;

	subject_begin(argc, argv);
	merged = area(MAP_PRIVATE);
	MUST(merged != MAP_FAILED);
	memset(merged, 'm', SIZE);
	MUST(madvise(merged, SIZE, MADV_MERGEABLE) == 0);
	droppable = area(MAP_DROPPABLE);
	bound = area(MAP_PRIVATE);
	preferred = area(MAP_SHARED);
	memset(bound, 'b', SIZE);
	numa = syscall(SYS_mbind, bound, SIZE, MPOL_BIND, &node, 64, 0) == 0;
	if (numa) {
		MUST(syscall(SYS_mbind, preferred, SIZE / 2, MPOL_INTERLEAVE, &node, 64, 0) == 0);
		memset(preferred, 'p', SIZE);
		MUST(syscall(SYS_set_mempolicy, MPOL_PREFERRED | MPOL_F_STATIC_NODES, &node, 64) == 0);
	}
	ksm = prctl(PR_SET_MEMORY_MERGE, 1, 0, 0, 0) == 0;

	subject_wait();

	CHECK(merged[0] == 'm' && merged[SIZE - 1] == 'm', "merged memory");
	CHECK(prctl(PR_GET_MEMORY_MERGE, 0, 0, 0, 0) == ksm || !ksm, "the process does not merge its memory any more");
	if (droppable != MAP_FAILED)
		droppable[0] = 1;
	CHECK(bound[0] == 'b' && bound[SIZE - 1] == 'b', "bound memory");
	if (numa) {
		CHECK(policy_of(bound, &nodes) == MPOL_BIND && nodes == 1, "memory is not bound: %d, %#lx", policy_of(bound, &nodes), nodes);
		CHECK(policy_of(preferred, &nodes) == MPOL_INTERLEAVE && nodes == 1, "shared memory does not interleave");
		CHECK(policy_of(preferred + SIZE / 2, &nodes) == (MPOL_PREFERRED | MPOL_F_STATIC_NODES) ||
				policy_of(preferred + SIZE / 2, &nodes) == MPOL_DEFAULT, "all of the shared memory interleaves");
		CHECK(preferred[0] == 'p', "shared memory");
		CHECK(policy_of(NULL, &nodes) == (MPOL_PREFERRED | MPOL_F_STATIC_NODES) && nodes == 1, "the policy of the thread is another one");
	}
	return subject_end();
}
