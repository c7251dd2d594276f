/* tests/kinds/vma/poison.c -- pages that are no more (madvise(2), MADV_HWPOISON; UFFDIO_POISON): who touches them gets SIGBUS. They cannot be
 * read, so the dump is refused.
 *
 * harness: expect: refused poison
 */

#include <linux/userfaultfd.h>
#include <setjmp.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#include "tests/harness/subject.h"

enum { PAGE = 4096 };

struct poison {
	struct uffdio_range range;
	uint64_t mode, updated;
};

static sigjmp_buf back;

static void bus(int sig)
{
	siglongjmp(back, 1);
}

static int is_poisoned(const char *p)
{
	signal(SIGBUS, bus);
	if (sigsetjmp(back, 1))
		return 1;
	return *(volatile const char *)p & 0;
}

int main(int argc, char **argv)
{
	struct uffdio_api api = { .api = UFFD_API, .features = 1 << 14 /* UFFD_FEATURE_POISON */ };
	struct uffdio_register reg = { .mode = UFFDIO_REGISTER_MODE_MISSING };
	struct poison poison = { 0 };
	char *mem;
	int fd;

	subject_begin(argc, argv);
	fd = syscall(SYS_userfaultfd, O_CLOEXEC);
	mem = mmap(NULL, 4 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	MUST(mem != MAP_FAILED);
	reg.range.start = (unsigned long)mem;
	reg.range.len = 4 * PAGE;
	poison.range.start = reg.range.start + PAGE;
	poison.range.len = PAGE;
	if (fd < 0 || ioctl(fd, UFFDIO_API, &api) < 0 || ioctl(fd, UFFDIO_REGISTER, &reg) < 0 ||
		ioctl(fd, _IOWR(UFFDIO, 0x08, struct poison), &poison) < 0)
		subject_skip("pages cannot be poisoned here");
	close(fd);
	mem[0] = mem[2 * PAGE] = 'x';
	MUST(is_poisoned(mem + PAGE) && !is_poisoned(mem));

	subject_wait();

	CHECK(is_poisoned(mem + PAGE) && !is_poisoned(mem) && mem[2 * PAGE] == 'x', "the poisoned page is another one");
	return subject_end();
}
