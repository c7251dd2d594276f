/* tests/kinds/pages/written.c -- memory that is written all the time, while it is dumped too: every page says which version it has, and
 * a table what it should have. */

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <sys/mman.h>

#include "tests/harness/subject.h"

enum { PAGES = 2048, SIZE = 4096, THREADS = 2 };

static char *mem;
static uint32_t versions[PAGES];
static atomic_bool over;

static uint64_t word(int page)
{
	return page * 0x9e3779b97f4a7c15u + versions[page];
}

static void write_page(int page)
{
	uint64_t *p = (uint64_t *)(mem + page * SIZE);

	versions[page]++;
	p[1] = p[SIZE / 16] = p[SIZE / 8 - 1] = word(page);
}

static int right(int page)
{
	const uint64_t *p = (uint64_t *)(mem + page * SIZE);
	uint64_t want = versions[page] ? word(page) : 0;

	return p[1] == want && p[SIZE / 16] == want && p[SIZE / 8 - 1] == want;
}

/* Each has pages of its own; some are written often, most now and then, the last quarter never. */
static void *write_on(void *arg)
{
	uint64_t x = 88172645463325252ull + (uintptr_t)arg;

	while (!over) {
		for (int i = 0; i < 16; i++) {
			int page;

			x ^= x << 13;
			x ^= x >> 7;
			x ^= x << 17;
			page = (x % 4 ? x % 64 : x % (PAGES * 3 / 4)) / THREADS * THREADS + (uintptr_t)arg;
			CHECK(right(page), "page %d is not what it was written last", page);
			write_page(page);
		}
		usleep(200);
	}
	return NULL;
}

int main(int argc, char **argv)
{
	pthread_t threads[THREADS];

	subject_begin(argc, argv);
	mem = mmap(NULL, PAGES * SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	MUST(mem != MAP_FAILED);
	for (int page = 0; page < PAGES; page += 3)
		write_page(page);
	for (uintptr_t i = 0; i < THREADS; i++)
		MUST(pthread_create(&threads[i], NULL, write_on, (void *)i) == 0);

	subject_wait();

	over = true;
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	for (int page = 0; page < PAGES; page++)
		CHECK(right(page), "page %d, version %u", page, versions[page]);
	return subject_end();
}
