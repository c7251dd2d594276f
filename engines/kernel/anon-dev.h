/* kernel/anon-dev.h -- the devices of files that have no path: how the inode of shared memory is told from
 * a file of the same name. */
#ifndef ENGINES_KERNEL_ANON_DEV_H
#define ENGINES_KERNEL_ANON_DEV_H

#include <sys/types.h>

#include "criuimg/err.h"

/* st_dev of shared anonymous memory, System V segments and memfds: the kernel's own tmpfs. */
int kern_shmem_dev(dev_t *dev, struct img_err *err);

#endif
