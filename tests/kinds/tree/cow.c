/* tests/kinds/tree/cow.c -- memory that children share with their parent until somebody writes: afterwards it still is so. */

#include <stdint.h>
#include <sys/mman.h>

#include "tests/harness/family.h"

enum { PAGES = 1024, SIZE = 4096, CHILDREN = 3 };

static unsigned char *memory;

/* /proc/PID/smaps: kB of the mapping that somebody else has too. */
static long shared_kb(void)
{
	char path[] = "/proc/self/smaps", line[512];
	long kb = -1;
	FILE *f = fopen(path, "re");
	int here = 0;

	MUST(f != NULL);
	while (fgets(line, sizeof(line), f)) {
		unsigned long start, end, clean, dirty;

		if (sscanf(line, "%lx-%lx ", &start, &end) == 2)
			here = (uintptr_t)memory >= start && (uintptr_t)memory < end;
		if (here && sscanf(line, "Shared_Clean: %lu", &clean) == 1)
			kb = clean;
		if (here && sscanf(line, "Shared_Dirty: %lu", &dirty) == 1)
			kb += dirty;
	}
	fclose(f);
	return kb;
}

static unsigned char value(int page, int child)
{
	/* A child has written every 16th page, another one each. */
	return child >= 0 && page % 16 == child ? 200 + child : page % 100 + 1;
}

static void check_memory(int child)
{
	for (int i = 0; i < PAGES; i++)
		if (memory[i * SIZE] != value(i, child)) {
			CHECK(0, "child %d, page %d: %d, not %d", child, i, memory[i * SIZE], value(i, child));
			return;
		}
}

static void child(void *arg)
{
	int nr = (int)(long)arg;

	for (int i = nr; i < PAGES; i += 16)
		memory[i * SIZE] = value(i, nr);
	child_up();
	subject_wait_for("go");
	check_memory(nr);
	CHECK(shared_kb() >= PAGES * SIZE / 1024 / 16 * 15 - 64, "child %d: %ld kB are shared, of %d", nr, shared_kb(),
	      PAGES * SIZE / 1024 / 16 * 15);
	child_up();
	subject_wait_for("seen");
	/* What is written now is seen by nobody else. */
	memset(memory, nr, PAGES * SIZE);
}

int main(int argc, char **argv)
{
	pid_t pids[CHILDREN];
	char name[64];

	subject_begin(argc, argv);
	memory = mmap(NULL, PAGES * SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	MUST(memory != MAP_FAILED);
	for (int i = 0; i < PAGES; i++)
		memset(memory + i * SIZE, value(i, -1), SIZE);
	for (long i = 0; i < CHILDREN; i++) {
		pids[i] = child_start(child, (void *)i);
		snprintf(name, sizeof(name), "up.%d", pids[i]);
		MUST(unlink(name) == 0);
	}

	subject_wait();

	check_memory(-1);
	for (int i = 0; i < CHILDREN; i++)
		child_wait_up(pids[i]);
	subject_leave("seen", "");
	for (int i = 0; i < CHILDREN; i++)
		child_end(pids[i]);
	check_memory(-1);
	return subject_end();
}
