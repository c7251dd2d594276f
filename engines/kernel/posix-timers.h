/* kernel/posix-timers.h -- the timers that a process made with timer_create(2): /proc/PID/timers.
 *
 * What they are; when they go off, only the process itself can tell (timer_gettime(2)). Facts:
 * proc_pid_timers(5), fs/proc/base.c (show_timer).
 */
#ifndef ENGINES_KERNEL_POSIX_TIMERS_H
#define ENGINES_KERNEL_POSIX_TIMERS_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "criuimg/err.h"

struct kern_timer {
	int id;
	int signo;
	uint64_t sigval; /* sigev_value as a pointer */
	/* SIGEV_SIGNAL, SIGEV_NONE, SIGEV_THREAD, SIGEV_SIGNAL | SIGEV_THREAD_ID: as sigev_notify */
	int notify;
	pid_t tid; /* SIGEV_THREAD_ID: the thread, in our pid namespace; 0: it has ended */
	int clock; /* negative: a CPU clock */
};

/* In ascending order of ids; the caller frees. */
int kern_timers_parse(const char *text, struct kern_timer **timers, size_t *nr, struct img_err *err);
int kern_timers_read(pid_t pid, struct kern_timer **timers, size_t *nr, struct img_err *err);

#endif
