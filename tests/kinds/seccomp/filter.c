/* tests/kinds/seccomp/filter.c -- a task under a seccomp filter.
 *
 * harness: expect: refused seccomp filters are not supported yet
 */

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include "tests/harness/subject.h"

int main(int argc, char **argv)
{
	/* getppid(2) is refused with a number that nothing else would give. */
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_getppid, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | 123),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog filter = { sizeof(code) / sizeof(code[0]), code };

	subject_begin(argc, argv);
	MUST(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0);
	MUST(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) == 0);

	subject_wait();

	CHECK(syscall(SYS_getppid) == -1 && errno == 123, "the filter is gone");
	return subject_end();
}
