/* kernel/sigaction.c -- what becomes of a signal, without the libc. */

#include <stdint.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "kernel/sigaction.h"

/* As the kernel has it: include/linux/signal_types.h. */
struct kernel_sigaction {
	sighandler_t handler;
	uint64_t flags, restorer, mask;
};

int kern_signal_block_all(void)
{
	uint64_t all = ~0ull;

	return syscall(SYS_rt_sigprocmask, SIG_SETMASK, &all, NULL, sizeof(all));
}

int kern_signal_swap(int sig, sighandler_t handler, sighandler_t *was)
{
	struct kernel_sigaction sa = { .handler = handler }, old;

	if (syscall(SYS_rt_sigaction, sig, &sa, &old, sizeof(sa.mask)) < 0)
		return -1;
	*was = old.handler;
	return 0;
}

int kern_signal_set(int sig, sighandler_t handler)
{
	sighandler_t was;

	return kern_signal_swap(sig, handler, &was);
}
