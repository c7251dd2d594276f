/* tests/kinds/pages/forks.c -- much memory that many have since fork(2): each has what it had, of each page its own version.
 *
 * The parent writes some pages after the forks, each child writes some of its own, and one child has a child that inherits those.
 */
/* harness: timeout: 60 */

#include <stdint.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include "tests/harness/subject.h"

enum { PAGE = 4096, PAGES = 4096, CHILDREN = 8, GRANDCHILD = 3 };

static uint64_t word_of(int page, int version)
{
	return (uint64_t)page * 0x9e3779b97f4a7c15ull + version + 1;
}

static void put(char *mem, int page, int version)
{
	uint64_t *words = (uint64_t *)(mem + page * PAGE);

	for (int i = 0; i < PAGE / 8; i++)
		words[i] = word_of(page, version) + i;
}

static int has(const char *mem, int page, int version)
{
	const uint64_t *words = (const uint64_t *)(mem + page * PAGE);

	for (int i = 0; i < PAGE / 8; i++)
		if (words[i] != word_of(page, version) + i)
			return 0;
	return 1;
}

/* Which version of a page child nr has: pages are written by one, by another, or by nobody. 0: that of the parent at the fork. */
static int version_of(int page, int nr)
{
	return page % 16 == nr ? nr + 1 : 0;
}

static void write_own(char *mem, int nr)
{
	for (int i = nr; i < PAGES; i += 16)
		put(mem, i, nr + 1);
}

static int check(const char *mem, int nr)
{
	for (int i = 0; i < PAGES; i++)
		if (!has(mem, i, version_of(i, nr)))
			return i + 1;
	return 0;
}

/* Waits for a byte, and tells how it went by its status. */
static void child(char *mem, int nr, int go, int ready)
{
	pid_t pid = 0;
	int status = 0;
	char byte;

	write_own(mem, nr);
	if (nr == GRANDCHILD)
		pid = fork();
	if (write(ready, "x", 1) != 1)
		_exit(2);
	while (read(go, &byte, 1) != 1)
		;
	if (pid && (waitpid(pid, &status, 0) != pid || status))
		_exit(3);
	_exit(check(mem, nr) != 0);
}

int main(int argc, char **argv)
{
	pid_t pids[CHILDREN];
	int go[2], ready[2], status;
	char *mem, byte;

	subject_begin(argc, argv);
	mem = mmap(NULL, PAGES * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	MUST(mem != MAP_FAILED && pipe(go) == 0 && pipe(ready) == 0);
	for (int i = 0; i < PAGES; i++)
		put(mem, i, 0);
	for (int i = 0; i < CHILDREN; i++) {
		pids[i] = fork();
		if (!pids[i])
			child(mem, i, go[0], ready[1]);
	}
	for (int i = 0; i < CHILDREN + 1; i++)
		MUST(read(ready[0], &byte, 1) == 1);
	for (int i = 15; i < PAGES; i += 16)
		put(mem, i, 100);

	subject_wait();

	for (int i = 0; i < PAGES; i++)
		CHECK(has(mem, i, i % 16 == 15 ? 100 : 0), "the parent: page %d", i);
	for (int i = 0; i < CHILDREN + 1; i++)
		MUST(write(go[1], "x", 1) == 1);
	for (int i = 0; i < CHILDREN; i++)
		CHECK(waitpid(pids[i], &status, 0) == pids[i] && status == 0, "child %d: status %#x", i, status);
	return subject_end();
}
