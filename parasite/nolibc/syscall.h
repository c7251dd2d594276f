/* parasite/nolibc/syscall.h -- system calls without a libc. They return what the kernel does: a value, or
 * -errno. */
#ifndef PARASITE_NOLIBC_SYSCALL_H
#define PARASITE_NOLIBC_SYSCALL_H

#include <asm/unistd.h>
#include <stdint.h>

#if defined(__x86_64__)
static inline long nolibc_syscall6(long nr, long a0, long a1, long a2, long a3, long a4, long a5)
{
	register long r10 __asm__("r10") = a3;
	register long r8 __asm__("r8") = a4;
	register long r9 __asm__("r9") = a5;
	long ret;

	__asm__ volatile("syscall"
			 : "=a"(ret)
			 : "a"(nr), "D"(a0), "S"(a1), "d"(a2), "r"(r10), "r"(r8), "r"(r9)
			 : "rcx", "r11", "memory");
	return ret;
}

/* A call of 32-bit code, by its number there; pointers are below 4 GiB. */
static inline long nolibc_syscall_compat(long nr, long a0, long a1, long a2, long a3)
{
	int ret;

	__asm__ volatile("int $0x80"
			 : "=a"(ret)
			 : "a"(nr), "b"(a0), "c"(a1), "d"(a2), "S"(a3)
			 : "r8", "r9", "r10", "r11", "memory");
	return ret;
}

/* Numbers of arch/x86/entry/syscalls/syscall_32.tbl. */
enum {
	COMPAT_RT_SIGACTION = 174,
	COMPAT_SET_ROBUST_LIST = 311,
	COMPAT_GET_ROBUST_LIST = 312,
};
#else
#error "no system calls for this architecture"
#endif

#define nolibc_syscall(nr, ...) nolibc_syscall_((nr), ##__VA_ARGS__, 0, 0, 0, 0, 0, 0)
#define nolibc_syscall_(nr, a, b, c, d, e, f, ...)                                                           \
	nolibc_syscall6((nr), (long)(a), (long)(b), (long)(c), (long)(d), (long)(e), (long)(f))

/* Results from -4095 to -1 are error numbers. */
static inline int nolibc_is_error(long ret)
{
	return (unsigned long)ret >= (unsigned long)-4095L;
}

#endif
