/* tests/kinds/mempolicy/threads.c -- threads with memory policies (set_mempolicy(2)) of their own; a process that has its memory merged
 * (prctl(2), PR_SET_MEMORY_MERGE).
 *
 * harness: peer: knows neither
 */

#include <linux/mempolicy.h>
#include <pthread.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include "tests/harness/subject.h"

#ifndef PR_SET_MEMORY_MERGE
#define PR_SET_MEMORY_MERGE 67
#define PR_GET_MEMORY_MERGE 68
#endif

static pthread_barrier_t up;

static int policy(unsigned long *nodes)
{
	int mode = -1;

	*nodes = 0;
	CHECK(syscall(SYS_get_mempolicy, &mode, nodes, 64, NULL, 0) == 0, "get_mempolicy: %s", strerror(errno));
	return mode;
}

static void *thread(void *arg)
{
	unsigned long node = 1;

	MUST(syscall(SYS_set_mempolicy, MPOL_INTERLEAVE, &node, 64) == 0);
	pthread_barrier_wait(&up);
	subject_wait_for("go");
	CHECK(policy(&node) == MPOL_INTERLEAVE && node == 1, "the thread: %d, %#lx", policy(&node), node);
	return NULL;
}

int main(int argc, char **argv)
{
	unsigned long node = 1;
	pthread_t other;
	int merges;

	subject_begin(argc, argv);
	if (syscall(SYS_set_mempolicy, MPOL_BIND | MPOL_F_STATIC_NODES, &node, 64) < 0)
		subject_skip("no memory policies here");
	MUST(pthread_barrier_init(&up, NULL, 2) == 0);
	MUST(pthread_create(&other, NULL, thread, NULL) == 0);
	pthread_barrier_wait(&up);
	merges = prctl(PR_SET_MEMORY_MERGE, 1, 0, 0, 0) == 0;

	subject_wait();

	CHECK(policy(&node) == (MPOL_BIND | MPOL_F_STATIC_NODES) && node == 1, "the first thread: %#x, %#lx", policy(&node), node);
	CHECK(!merges || prctl(PR_GET_MEMORY_MERGE, 0, 0, 0, 0) == 1, "its memory is not merged any more");
	pthread_join(other, NULL);
	return subject_end();
}
