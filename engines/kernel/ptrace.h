/* kernel/ptrace.h -- ptrace(2), each request wrapped once.
 *
 * All for tasks that were seized (PTRACE_SEIZE), never attached the old way: their stops are told apart by
 * kern_stop. A tracee belongs to the thread that seized it. Facts: ptrace(2), kernel/ptrace.c.
 */
#ifndef ENGINES_KERNEL_PTRACE_H
#define ENGINES_KERNEL_PTRACE_H

#include <linux/filter.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "criuimg/err.h"

/* What a tracee was found doing. */
enum kern_stop_kind {
	KERN_STOP_EXITED,    /* value: its exit status; the tracee is gone */
	KERN_STOP_KILLED,    /* value: the signal; the tracee is gone */
	KERN_STOP_INTERRUPT, /* by PTRACE_INTERRUPT, or a notice that a stop of the group ended */
	KERN_STOP_GROUP,     /* the whole process is stopped: value is the signal that did it */
	KERN_STOP_SIGNAL,    /* about to be given a signal: value */
	KERN_STOP_SYSCALL,   /* on its way into or out of a system call (PTRACE_SYSCALL) */
	KERN_STOP_EVENT,     /* another PTRACE_EVENT_*: value */
};

struct kern_stop {
	enum kern_stop_kind kind;
	int value;
};

/* From a status of waitpid(2). */
struct kern_stop kern_stop_of(int wait_status);
const char *kern_stop_name(enum kern_stop_kind kind);

/* Wait until a tracee stops or is gone, for timeout_ms at most: 1, 0 when the time is over, -1. The caller
 * has SIGCHLD blocked: it is what this sleeps for. */
int kern_wait_stop(pid_t tid, int timeout_ms, struct kern_stop *stop, struct img_err *err);

/* A clock that gets a thread out of a seize that does not come back: see kern_ptrace_seize(). */
struct kern_seizer;

/* For the calling thread; uses SIGALRM. NULL on failure. */
struct kern_seizer *kern_seizer_new(struct img_err *err);
void kern_seizer_free(struct kern_seizer *s); /* NULL is fine */

/* PTRACE_O_TRACESYSGOOD is always added to options. Returns 1; 0 when the kernel keeps us waiting: another
 * thread of that process is in execve(2), and waits in turn for those of its threads that we have seized
 * already and that are ending now. They must be waited for, or this would never come to an end, before it
 * is tried again. s NULL: wait, for what cannot be in execve(2). */
int kern_ptrace_seize(struct kern_seizer *s, pid_t tid, unsigned long options, struct img_err *err);
int kern_ptrace_options(pid_t tid, unsigned long options, struct img_err *err);
int kern_ptrace_interrupt(pid_t tid, struct img_err *err);
/* request: PTRACE_CONT, PTRACE_SYSCALL or PTRACE_DETACH; signal 0: none. A thread that is gone (ESRCH)
 * fails. */
int kern_ptrace_resume(pid_t tid, int request, int signal, struct img_err *err);

/* A register set: what PTRACE_GETREGSET has of it, into buf. Returns the bytes got. */
ssize_t kern_ptrace_get_regset(pid_t tid, int nt_type, void *buf, size_t size, struct img_err *err);
int kern_ptrace_set_regset(pid_t tid, int nt_type, const void *buf, size_t size, struct img_err *err);

int kern_ptrace_get_sigmask(pid_t tid, uint64_t *mask, struct img_err *err);
int kern_ptrace_set_sigmask(pid_t tid, uint64_t mask, struct img_err *err);

/* The queue of pending signals, oldest first: the thread's own, or that of its process. The caller frees
 * *infos. */
int kern_ptrace_peek_signals(pid_t tid, bool shared, siginfo_t **infos, size_t *nr, struct img_err *err);

/* struct rseq of a thread: *addr 0 where none is registered or the kernel cannot tell. */
int kern_ptrace_get_rseq(
	pid_t tid, uint64_t *addr, uint32_t *size, uint32_t *sig, uint32_t *flags, struct img_err *err);

/* Are system calls of the thread turned into signals (prctl(2), PR_SET_SYSCALL_USER_DISPATCH): 1, 0, -1. */
int kern_ptrace_dispatches(pid_t tid, struct img_err *err);

/* A filter of seccomp(2): a program of classic BPF. */
enum { KERN_FILTER_MAX = 4096 }; /* instructions: BPF_MAXINSNS */
struct kern_filter {
	struct sock_filter insns[KERN_FILTER_MAX];
	size_t nr;
	uint64_t flags; /* SECCOMP_FILTER_FLAG_*, as far as the kernel tells */
};

/* The n-th filter of a stopped thread, 0 is the oldest: 1, 0 when there are not so many, -1. Needs
 * CAP_SYS_ADMIN, and no filters of our own. */
int kern_ptrace_get_filter(pid_t tid, unsigned long n, struct kern_filter *f, struct img_err *err);

/* Whole transfers, or a failure. */
int kern_vm_read(pid_t pid, uint64_t addr, void *buf, size_t size, struct img_err *err);
int kern_vm_write(pid_t pid, uint64_t addr, const void *buf, size_t size, struct img_err *err);

#endif
