/* kernel/sigaction.h -- what becomes of a signal, without the libc: it fills in a mask, flags and a restorer
 * of its own, and keeps two signals to itself. Facts: rt_sigaction(2), sigreturn(2). */
#ifndef ENGINES_KERNEL_SIGACTION_H
#define ENGINES_KERNEL_SIGACTION_H

#include <signal.h>

/* SIG_DFL or SIG_IGN, and nothing else in the action. -1 with errno (SIGKILL and SIGSTOP have none). */
int kern_signal_set(int sig, sighandler_t handler);
/* The same; *was is the handler it had. */
int kern_signal_swap(int sig, sighandler_t handler, sighandler_t *was);
/* Block all signals, those of the libc's included. */
int kern_signal_block_all(void);

#endif
