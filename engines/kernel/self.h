/* kernel/self.h -- what the kernel tells a process of itself, where /proc may be anything. */
#ifndef ENGINES_KERNEL_SELF_H
#define ENGINES_KERNEL_SELF_H

#include <stddef.h>

/* The path of a file of the caller's own directory in /proc ("fd/7", a printf format), for open(2) and all who take paths: below
 * /proc/self when that is us, else "self/..." in the working directory. A process in a mount namespace that it did not choose
 * has a proc as its working directory. Returns buf. */
const char *kern_self_path(char *buf, size_t size, const char *what, ...) __attribute__((format(printf, 3, 4)));

/* The caller's heap in huge pages, as far as it goes: what fork(2) copies then are few entries of page tables. Nothing is lost where that
 * cannot be done. */
void kern_self_compact(void);

#endif
