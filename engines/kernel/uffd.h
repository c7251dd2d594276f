/* kernel/uffd.h -- userfaultfd(2) for one purpose: write protection that nobody has to answer for.
 *
 * With UFFD_FEATURE_WP_ASYNC (Linux 6.7) the kernel itself lets the first write through and only takes the mark off the
 * page: PAGEMAP_SCAN (kernel/pagemap.h) then shows the page as written. A descriptor works on the memory of the task
 * that made it, whoever has it; when the last one is closed all marks and registrations are gone.
 *
 * Facts: ioctl_userfaultfd(2), Documentation/admin-guide/mm/userfaultfd.rst, fs/userfaultfd.c.
 */
#ifndef ENGINES_KERNEL_UFFD_H
#define ENGINES_KERNEL_UFFD_H

#include <stdbool.h>
#include <stdint.h>

#include "criuimg/err.h"

/* Flags for the call of userfaultfd(2) that the task is to make: any user may do that. */
long kern_uffd_flags(void);

/* Is there such a thing on this kernel? */
bool kern_uffd_has_tracking(void);

/* Settle on asynchronous write protection: before anything else, once. Fails IMG_SYS where the kernel has none. */
int kern_uffd_tracking(int fd, struct img_err *err);

/* Register a mapping. Again is fine. Fails IMG_SYS: EBUSY when it is registered with another descriptor, ESRCH when the
 * memory that the descriptor was made for is gone, EINVAL, EPERM for mappings that cannot be. */
int kern_uffd_register(int fd, uint64_t start, uint64_t end, struct img_err *err);

void kern_uffd_unregister(int fd, uint64_t start, uint64_t end);

/* Take the marks off all pages of a range that is registered. */
int kern_uffd_unmark(int fd, uint64_t start, uint64_t end, struct img_err *err);

#endif
