/* kernel/owner.h -- whose files we make. */
#ifndef ENGINES_KERNEL_OWNER_H
#define ENGINES_KERNEL_OWNER_H

#include <stdint.h>

#include "criuimg/err.h"

/* The calling thread makes files as this user and group from now on, with all its capabilities (credentials(7): the file-system ids): a file
 * system that a user namespace has mounted takes no inode of ids that are not mapped there. Undone by a call with its effective ids. */
int kern_files_as(uint32_t uid, uint32_t gid, struct img_err *err);

#endif
