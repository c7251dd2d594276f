/* tests/kinds/prctl/personality.c -- personality(2) of a parent and its child.
 *
 * harness: peer: saves it and does not restore it
 */

#include <sys/personality.h>

#include "tests/harness/family.h"

enum { NOW = 0xffffffff, OURS = ADDR_NO_RANDOMIZE | MMAP_PAGE_ZERO, CHILDS = UNAME26 };

static void child(void *arg)
{
	MUST(personality(CHILDS) >= 0);
	child_up();
	subject_wait_for("go");
	CHECK(personality(NOW) == CHILDS, "the child's is %#x", personality(NOW));
}

int main(int argc, char **argv)
{
	pid_t pid;

	subject_begin(argc, argv);
	MUST(personality(OURS) >= 0);
	pid = child_start(child, NULL);

	subject_wait();

	CHECK(personality(NOW) == OURS, "it is %#x", personality(NOW));
	child_end(pid);
	return subject_end();
}
