/* tests/kinds/refused/io-uring.c -- a ring with its mappings: what is in flight is in the kernel alone.
 *
 * harness: expect: refused io_uring is not supported
 * harness: expect: refused io_uring (rings of 4 submissions and 8 completions) is not supported
 */

#include <linux/io_uring.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#include "tests/harness/subject.h"

int main(int argc, char **argv)
{
	struct io_uring_params params = { 0 };
	void *ring;
	int fd;

	subject_begin(argc, argv);
	fd = syscall(SYS_io_uring_setup, 4, &params);
	if (fd < 0)
		subject_skip("io_uring is not allowed here");
	ring = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, IORING_OFF_SQ_RING);
	MUST(ring != MAP_FAILED);

	subject_wait();

	CHECK(syscall(SYS_io_uring_enter, fd, 0, 0, 0, NULL, 0) == 0, "the ring: %s", strerror(errno));
	return subject_end();
}
