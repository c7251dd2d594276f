/* tests/kinds/seccomp/filters.h -- filters for subjects: a system call that gives a number which nothing else would give. */
#ifndef TESTS_KINDS_SECCOMP_FILTERS_H
#define TESTS_KINDS_SECCOMP_FILTERS_H

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

/* System call nr gives errno `number` from here on. */
static inline int filter_call(long nr, int number, unsigned flags)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, nr, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | number),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog filter = { sizeof(code) / sizeof(code[0]), code };

	return syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &filter);
}

static inline int filtered(long nr, int number)
{
	errno = 0;
	return syscall(nr, 0, 0, 0, 0, 0, 0) == -1 && errno == number;
}

#endif
