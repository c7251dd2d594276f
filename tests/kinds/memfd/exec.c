/* tests/kinds/memfd/exec.c -- memfds that may be executed or not, and whose mode is sealed (MFD_EXEC, MFD_NOEXEC_SEAL). */

#include <sys/mman.h>
#include <sys/syscall.h>

#include "tests/harness/subject.h"

enum { NOEXEC = 8, EXEC = 16, SEAL_EXEC = 32, GET_SEALS = 1034, ADD_SEALS = 1033 };

static int make(unsigned flags)
{
	int fd = syscall(SYS_memfd_create, "exec", flags);

	if (fd < 0 && errno == EINVAL)
		subject_skip("the kernel has no MFD_EXEC");
	MUST(fd >= 0 && write(fd, "content", 7) == 7);
	return fd;
}

static void check(const char *what, int fd, unsigned mode, int seals)
{
	struct stat st;

	CHECK(fstat(fd, &st) == 0 && (st.st_mode & 07777) == mode, "%s: mode %o", what, st.st_mode);
	CHECK(fcntl(fd, GET_SEALS) == seals, "%s: seals %#x, not %#x", what, fcntl(fd, GET_SEALS), seals);
	CHECK((fchmod(fd, mode ^ 0111) < 0) == !!(seals & SEAL_EXEC), "%s: its mode can be changed, or not", what);
}

int main(int argc, char **argv)
{
	int exec, noexec, sealed, plain;

	subject_begin(argc, argv);
	exec = make(EXEC);
	noexec = make(NOEXEC);
	sealed = make(EXEC | 2 /* MFD_ALLOW_SEALING */);
	MUST(fchmod(sealed, 0700) == 0 && fcntl(sealed, ADD_SEALS, SEAL_EXEC | 4 /* F_SEAL_GROW */) == 0);
	plain = make(0);
	MUST(fchmod(plain, 0640) == 0);

	subject_wait();

	check("MFD_EXEC", exec, 0777, 1);
	check("MFD_NOEXEC_SEAL", noexec, 0666, SEAL_EXEC);
	/* what is sealed against changes of its mode is sealed against more: mm/memfd.c */
	check("sealed later", sealed, 0700, fcntl(sealed, GET_SEALS));
	CHECK(fcntl(sealed, GET_SEALS) & SEAL_EXEC && fcntl(sealed, GET_SEALS) & 4, "sealed later: seals %#x", fcntl(sealed, GET_SEALS));
	check("plain", plain, 0640, 1);
	return subject_end();
}
