/* tests/kinds/vma/marks.c -- what madvise(2), mprotect(2), mlock(2) and mmap(2) leave in mappings. The harness compares VmFlags; here:
 * the contents, and that the marks do what they say. */

#include <sys/mman.h>
#include <sys/wait.h>

#include "tests/harness/subject.h"

enum { PAGE = 4096, PAGES = 64 };

static const struct {
	int advice;
	const char *name;
} advices[] = {
	{ MADV_RANDOM, "random" },
	{ MADV_SEQUENTIAL, "sequential" },
	{ MADV_DONTFORK, "dontfork" },
	{ MADV_MERGEABLE, "mergeable" },
	{ MADV_HUGEPAGE, "hugepage" },
	{ MADV_NOHUGEPAGE, "nohugepage" },
	{ MADV_DONTDUMP, "dontdump" },
	{ MADV_WIPEONFORK, "wipeonfork" },
};
enum { NR = sizeof(advices) / sizeof(advices[0]) };

static void fill(char *mem, int pages, int seed)
{
	for (int i = 0; i < pages; i++)
		memset(mem + i * PAGE, seed + i, PAGE);
}

static int full(const char *mem, int pages, int seed)
{
	for (int i = 0; i < pages * PAGE; i++)
		if (mem[i] != (char)(seed + i / PAGE))
			return 0;
	return 1;
}

static char *anon(int pages, int flags)
{
	char *mem =
		mmap(NULL, pages * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | flags, -1, 0);

	MUST(mem != MAP_FAILED);
	return mem;
}

int main(int argc, char **argv)
{
	char *advised[NR], *none, *reads, *writes, *runs, *locked, *noreserve, *holes;
	int status;
	pid_t pid;

	subject_begin(argc, argv);
	for (int i = 0; i < NR; i++) {
		advised[i] = anon(PAGES, 0);
		fill(advised[i] + PAGE, 8, i);
		if (madvise(advised[i], PAGES * PAGE, advices[i].advice) < 0)
			MUST(errno == EINVAL); /* not in this kernel */
	}
	none = anon(PAGES, 0);
	fill(none, PAGES, 30);
	MUST(mprotect(none + 8 * PAGE, 8 * PAGE, PROT_NONE) == 0);
	reads = anon(8, 0);
	fill(reads, 4, 31);
	MUST(mprotect(reads, 8 * PAGE, PROT_READ) == 0);
	writes = anon(8, 0);
	fill(writes, 8, 32);
	MUST(mprotect(writes, 8 * PAGE, PROT_WRITE) == 0);
	runs = anon(8, 0);
	fill(runs, 2, 33);
	MUST(mprotect(runs, 8 * PAGE, PROT_READ | PROT_EXEC) == 0);
	locked = anon(8, 0);
	fill(locked, 8, 34);
	MUST(mlock(locked, 8 * PAGE) == 0);
	noreserve = anon(1024, MAP_NORESERVE);
	fill(noreserve + 1000 * PAGE, 2, 35);
	/* mapped, never touched; reserved address space */
	holes = mmap(NULL, 1ul << 30, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	MUST(holes != MAP_FAILED);

	subject_wait();

	for (int i = 0; i < NR; i++)
		CHECK(full(advised[i] + PAGE, 8, i) && full(advised[i], 1, 0), "%s: contents",
			advices[i].name);
	CHECK(full(none, 8, 30) && full(none + 16 * PAGE, PAGES - 16, 46), "around PROT_NONE");
	CHECK(mprotect(none + 8 * PAGE, 8 * PAGE, PROT_READ) == 0 && full(none + 8 * PAGE, 8, 38),
		"below PROT_NONE");
	CHECK(full(reads, 4, 31) && full(reads + 4 * PAGE, 1, 0), "read-only memory");
	CHECK(mprotect(writes, 8 * PAGE, PROT_READ) == 0 && full(writes, 8, 32), "write-only memory");
	CHECK(full(runs, 2, 33), "executable memory");
	CHECK(full(locked, 8, 34), "locked memory");
	CHECK(full(noreserve + 1000 * PAGE, 2, 35) && full(noreserve, 1, 0), "MAP_NORESERVE");
	CHECK(mprotect(holes, PAGE, PROT_READ) == 0 && !*holes, "reserved addresses");

	/* In a child the memory marked DONTFORK is not there, that marked WIPEONFORK is empty. */
	pid = fork();
	if (!pid)
		_exit(msync(advised[2], PAGE, MS_ASYNC) < 0 && errno == ENOMEM ? advised[7][PAGE] : 99);
	CHECK(waitpid(pid, &status, 0) == pid && status == 0, "after fork: status %#x", status);
	return subject_end();
}
