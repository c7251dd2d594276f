/* tests/kinds/vma/droppable.c -- memory that the kernel may take away (MAP_DROPPABLE): it comes back empty, as it may at any time, and is
 * what it was.
 *
 * harness: to-peer: it has no word for it
 * harness: from-peer: it has no word for it
 */

#include <sys/mman.h>
#include <sys/wait.h>

#include "tests/harness/subject.h"

#ifndef MAP_DROPPABLE
#define MAP_DROPPABLE 0x08
#endif

enum { PAGE = 4096, PAGES = 16 };

int main(int argc, char **argv)
{
	char *mem, *beside;
	int status, kept = 0;
	pid_t pid;

	subject_begin(argc, argv);
	mem = mmap(NULL, PAGES * PAGE, PROT_READ | PROT_WRITE, MAP_DROPPABLE | MAP_ANONYMOUS, -1, 0);
	if (mem == MAP_FAILED)
		subject_skip("the kernel has no MAP_DROPPABLE");
	beside = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	MUST(beside != MAP_FAILED);
	memset(mem, 'd', PAGES * PAGE);
	beside[0] = 'b';

	subject_wait();

	for (int i = 0; i < PAGES; i++) {
		kept += mem[i * PAGE] == 'd';
		CHECK(mem[i * PAGE] == 'd' || !mem[i * PAGE], "page %d: %#x", i, mem[i * PAGE]);
	}
	CHECK(beside[0] == 'b', "what is beside it");
	/* It is wiped in a child, and cannot be locked. */
	memset(mem, 'e', PAGES * PAGE);
	pid = fork();
	if (!pid)
		_exit(mem[0]);
	CHECK(waitpid(pid, &status, 0) == pid && status == 0, "in a child: %#x", status);
	return subject_end();
}
