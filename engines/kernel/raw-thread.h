/* kernel/raw-thread.h -- a thread the libc does not know of, with a chosen number.
 *
 * In a process that was cloned without the libc being told, and in a pid namespace where the next number
 * may be one that somebody is about to ask for. Such a thread has no thread-local storage of its own: it
 * may make system calls (parasite/nolibc/syscall.h), copy and compare, and nothing else of the libc. All
 * signals are blocked in it.
 */
#ifndef ENGINES_KERNEL_RAW_THREAD_H
#define ENGINES_KERNEL_RAW_THREAD_H

#include <stdint.h>
#include <sys/types.h>

struct kern_raw_thread {
	void *stack;
	uint32_t alive; /* cleared by the kernel */
};

/* Run fn(arg) in a thread with number tid. 0, or -1 with errno (EEXIST: the number is taken; EPERM; ENOSYS:
 * not on this architecture or kernel). */
int kern_raw_thread_start(struct kern_raw_thread *t, pid_t tid, void (*fn)(void *), void *arg);
/* Wait until it has ended. */
void kern_raw_thread_join(struct kern_raw_thread *t);

#endif
