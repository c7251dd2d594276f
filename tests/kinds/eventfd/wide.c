/* tests/kinds/eventfd/wide.c -- a count of more than 32 bits, the largest one, and a semaphore. */
/* harness: peer: CRIU 4.2 restores 32 bits of a count and no semaphore */

#include <sys/eventfd.h>

#include "tests/harness/subject.h"

int main(int argc, char **argv)
{
	uint64_t most = UINT64_MAX - 1, wide_count = (1ull << 33) + 5, n = 0;
	int semaphore, wide, full;

	subject_begin(argc, argv);
	semaphore = eventfd(3, EFD_SEMAPHORE | EFD_NONBLOCK);
	wide = eventfd(0, 0);
	full = eventfd(0, EFD_NONBLOCK);
	MUST(semaphore >= 0 && wide >= 0 && full >= 0);
	MUST(write(wide, &wide_count, sizeof(n)) == sizeof(n) && write(full, &most, sizeof(n)) == sizeof(n));

	subject_wait();

	CHECK(read(wide, &n, sizeof(n)) == sizeof(n) && n == wide_count, "the count is %llu", (unsigned long long)n);
	n = 1;
	CHECK(write(full, &n, sizeof(n)) < 0 && errno == EAGAIN, "the full one takes more");
	for (int i = 0; i < 3; i++)
		CHECK(read(semaphore, &n, sizeof(n)) == sizeof(n) && n == 1, "read %d of the semaphore gives %llu", i, (unsigned long long)n);
	CHECK(read(semaphore, &n, sizeof(n)) < 0 && errno == EAGAIN, "the semaphore has more than it had");
	return subject_end();
}
