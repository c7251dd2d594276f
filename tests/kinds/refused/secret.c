/* tests/kinds/refused/secret.c -- memory that nobody but its process can read (memfd_secret(2)).
 *
 * harness: expect: refused secret
 */

#include <sys/mman.h>
#include <sys/syscall.h>

#include "tests/harness/subject.h"

int main(int argc, char **argv)
{
	int fd;
	char *mem;

	subject_begin(argc, argv);
	fd = syscall(447 /* memfd_secret */, 0);
	if (fd < 0)
		subject_skip("the kernel has no memfd_secret");
	MUST(ftruncate(fd, 8192) == 0);
	mem = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	MUST(mem != MAP_FAILED);
	strcpy(mem, "secret");

	subject_wait();

	CHECK(!strcmp(mem, "secret"), "contents");
	return subject_end();
}
