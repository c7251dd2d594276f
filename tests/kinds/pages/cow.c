/* tests/kinds/pages/cow.c -- pages that parent and child share since fork: the same contents, and still shared.
 *
 * The kernel says what is shared in smaps: of an area both have, the pages that neither wrote after fork are "Shared".
 */

#include <sys/mman.h>
#include <sys/wait.h>

#include "tests/harness/subject.h"

enum { PAGE = 4096, PAGES = 256 };

/* kB of a field of smaps for the mapping that starts at mem. */
static long smaps_kb(const void *mem, const char *field)
{
	FILE *f = fopen("/proc/self/smaps", "r");
	char line[1024], start[32];
	long sum = 0, kb;
	int inside = 0;

	snprintf(start, sizeof(start), "%lx-", (unsigned long)mem);
	while (f && fgets(line, sizeof(line), f)) {
		if (line[0] >= '0' && (line[0] <= '9' || (line[0] >= 'a' && line[0] <= 'f')))
			inside = !strncmp(line, start, strlen(start));
		else if (inside && !strncmp(line, field, strlen(field)) &&
			 sscanf(line + strlen(field), ": %ld", &kb) == 1)
			sum += kb;
	}
	if (f)
		fclose(f);
	return sum;
}

static int page_is(const char *mem, int page, int value)
{
	for (int i = 0; i < PAGE; i++)
		if (mem[page * PAGE + i] != (char)value)
			return 0;
	return 1;
}

static void check(const char *mem, const char *who, int wrote, int value, int dropped)
{
	long shared = smaps_kb(mem, "Shared_Dirty") + smaps_kb(mem, "Shared_Clean");

	for (int i = 0; i < PAGES; i++) {
		int want = i == wrote ? value : i == dropped ? 0 : i % 2 ? i : 0;

		CHECK(page_is(mem, i, want), "%s: page %d", who, i);
	}
	/* Half of the pages were never written; some few are not shared any more. */
	CHECK(shared >= (PAGES / 2 - 4) * 4, "%s: only %ld kB are shared", who, shared);
}

int main(int argc, char **argv)
{
	int status, to_child[2];
	char *mem, byte;
	pid_t pid;

	subject_begin(argc, argv);
	/* A mapping of its own, whatever lies beside it. */
	mem = mmap(NULL, (PAGES + 2) * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	MUST(mem != MAP_FAILED && pipe(to_child) == 0);
	mem += PAGE;
	MUST(mprotect(mem, PAGES * PAGE, PROT_READ | PROT_WRITE) == 0);
	madvise(mem, PAGES * PAGE, MADV_NOHUGEPAGE);
	for (int i = 1; i < PAGES; i += 2)
		memset(mem + i * PAGE, i, PAGE);
	pid = fork();
	if (!pid) {
		memset(mem + 11 * PAGE, 'c', PAGE);
		memset(mem + 12 * PAGE, 0, PAGE);
		madvise(mem + 13 * PAGE, PAGE, MADV_DONTNEED);
		subject_leave("child", "");
		while (read(to_child[0], &byte, 1) != 1)
			;
		check(mem, "child", 11, 'c', 13);
		_exit(0);
	}
	subject_wait_for("child");
	memset(mem + 20 * PAGE, 'p', PAGE);

	subject_wait();

	check(mem, "parent", 20, 'p', -1);
	CHECK(write(to_child[1], "x", 1) == 1, "the pipe to the child");
	CHECK(waitpid(pid, &status, 0) == pid && status == 0, "the child: status %#x", status);
	return subject_end();
}
