/* kernel/crc32c.h -- CRC-32C (RFC 3720, appendix B.4). */
#ifndef ENGINES_KERNEL_CRC32C_H
#define ENGINES_KERNEL_CRC32C_H

#include <stddef.h>
#include <stdint.h>

/* Go on from crc: 0 at first. */
uint32_t kern_crc32c(uint32_t crc, const void *data, size_t len);

#endif
