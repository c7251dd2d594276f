/* engines/kernel/build-id.h -- the build id of an ELF file. */
#ifndef ENGINES_KERNEL_BUILD_ID_H
#define ENGINES_KERNEL_BUILD_ID_H

#include <stddef.h>
#include <stdint.h>

#define KERN_BUILD_ID_MAX 64

/* The NT_GNU_BUILD_ID note of the file of descriptor fd (readable): its length in bytes, 0
 * when the file has none, is no ELF file, or is of a file system whose files are made up by the kernel (reading those may
 * have effects). id has room for KERN_BUILD_ID_MAX bytes. Never fails: what cannot be read has none. */
size_t kern_build_id(int fd, uint64_t file_size, unsigned char *id);

#endif
