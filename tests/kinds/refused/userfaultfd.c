/* tests/kinds/refused/userfaultfd.c -- memory whose faults are handled by the task itself.
 *
 * harness: expect: refused userfaultfd
 */

#include <linux/userfaultfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#include "tests/harness/subject.h"

int main(int argc, char **argv)
{
	struct uffdio_api api = { .api = UFFD_API };
	struct uffdio_register reg = { .mode = UFFDIO_REGISTER_MODE_MISSING };
	struct uffdio_zeropage zero = { 0 };
	char *memory;
	int fd;

	subject_begin(argc, argv);
	fd = syscall(SYS_userfaultfd, O_CLOEXEC | O_NONBLOCK);
	if (fd < 0)
		subject_skip("userfaultfd is not allowed here");
	memory = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	MUST(memory != MAP_FAILED && ioctl(fd, UFFDIO_API, &api) == 0);
	reg.range.start = (unsigned long)memory;
	reg.range.len = 8192;
	MUST(ioctl(fd, UFFDIO_REGISTER, &reg) == 0);

	subject_wait();

	zero.range = reg.range;
	CHECK(ioctl(fd, UFFDIO_ZEROPAGE, &zero) == 0, "the memory is not registered: %s", strerror(errno));
	CHECK(memory[5000] == 0, "the memory is not empty");
	return subject_end();
}
