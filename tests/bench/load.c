/* tests/bench/load.c -- what is carried by the benchmark: load DIR MEGABYTES CHILDREN; makes the file `ready` and sleeps. */

#include <stdint.h>
#include <sys/mman.h>

#include "tests/harness/family.h"

/* No page is like another, none is zero. */
static void fill(uint64_t *mem, size_t size)
{
	uint64_t x = 88172645463325252ULL;

	for (size_t i = 0; i < size / sizeof(*mem); i++) {
		x ^= x << 13;
		x ^= x >> 7;
		x ^= x << 17;
		mem[i] = x;
	}
}

static void child(void *arg)
{
	child_up();
	for (;;)
		pause();
}

int main(int argc, char **argv)
{
	size_t size;
	void *mem;

	subject_begin(argc, argv);
	if (argc < 4)
		return 2;
	size = strtoul(argv[2], NULL, 10) << 20;
	if (size) {
		mem = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		MUST(mem != MAP_FAILED);
		fill(mem, size);
	}
	for (int i = 0; i < atoi(argv[3]); i++)
		child_start(child, NULL);
	subject_leave("ready", "");
	for (;;)
		pause();
}
