/* tests/kinds/seccomp/notify.c -- a filter that leaves the answer to a supervisor, of whom nothing is known.
 *
 * harness: expect: refused seccomp filter 0 asks another process (SECCOMP_RET_USER_NOTIF)
 */

#include "tests/harness/subject.h"
#include "tests/kinds/seccomp/filters.h"

int main(int argc, char **argv)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_getppid, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_USER_NOTIF),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog filter = { sizeof(code) / sizeof(code[0]), code };
	int fd;

	subject_begin(argc, argv);
	MUST(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0);
	fd = syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER, &filter);
	MUST(fd >= 0);
	close(fd);

	subject_wait();

	return subject_end();
}
