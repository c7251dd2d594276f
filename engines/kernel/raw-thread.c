/* engines/kernel/raw-thread.c -- clone3(2) with CLONE_THREAD and a chosen number. */

#include <errno.h>
#include <linux/futex.h>
#include <linux/sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "kernel/raw-thread.h"

enum { STACK_SIZE = 64 << 10 };

/* The new thread comes out of the system call on an empty stack: it must not return from here. */
static long clone_and_call(struct clone_args *args, void (*fn)(void *), void *arg)
{
#if defined(__x86_64__)
	register void *r12 __asm__("r12") = fn;
	register void *r13 __asm__("r13") = arg;
	long ret;

	__asm__ volatile(
		"syscall\n\t"
		"test %%rax, %%rax\n\t"
		"jnz 1f\n\t"
		"xor %%ebp, %%ebp\n\t"
		"mov %%r13, %%rdi\n\t"
		"call *%%r12\n\t"
		"mov %[exit], %%eax\n\t"
		"xor %%edi, %%edi\n\t"
		"syscall\n\t"
		"hlt\n"
		"1:"
		: "=a"(ret)
		: "a"(SYS_clone3), "D"(args), "S"(sizeof(*args)), "r"(r12), "r"(r13), [exit] "i"(SYS_exit)
		: "rcx", "r11", "memory");
	return ret;
#else
	return -ENOSYS;
#endif
}

int kern_raw_thread_start(struct kern_raw_thread *t, pid_t tid, void (*fn)(void *), void *arg)
{
	struct clone_args args = {
		.flags = CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM |
			 CLONE_CHILD_CLEARTID,
		.child_tid = (uintptr_t)&t->alive,
		.stack_size = STACK_SIZE,
		.set_tid = (uintptr_t)&tid,
		.set_tid_size = 1,
	};
	sigset_t all, before;
	long ret;

	t->stack = mmap(
		NULL, STACK_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);
	if (t->stack == MAP_FAILED)
		return -1;
	args.stack = (uintptr_t)t->stack;
	t->alive = 1;
	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, &before);
	ret = clone_and_call(&args, fn, arg);
	sigprocmask(SIG_SETMASK, &before, NULL);
	if (ret < 0) {
		munmap(t->stack, STACK_SIZE);
		errno = -ret;
		return -1;
	}
	return 0;
}

void kern_raw_thread_join(struct kern_raw_thread *t)
{
	uint32_t alive;

	/* Not a private futex: the kernel's wake-up at the end of a thread is not. */
	while ((alive = __atomic_load_n(&t->alive, __ATOMIC_ACQUIRE)))
		syscall(SYS_futex, &t->alive, FUTEX_WAIT, alive, NULL, NULL, 0);
	munmap(t->stack, STACK_SIZE);
}
