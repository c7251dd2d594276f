/* parasite/arch/dump-blob.h -- the dump blob as bytes: position-independent code to be put at the start of
 * an area (blob.h). */
#ifndef PARASITE_ARCH_DUMP_BLOB_H
#define PARASITE_ARCH_DUMP_BLOB_H

#include <stdint.h>

extern const uint8_t dump_blob_start[], dump_blob_end[];
/* Where the instruction pointer is when the signal of the frame is delivered. */
extern const uint8_t dump_blob_done[];
/* Where a thread's frame has to lead for 32-bit code. */
extern const uint8_t dump_blob_far[];

#endif
