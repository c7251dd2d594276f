/* parasite/blob.h -- the wire between the host and what runs inside a task.
 *
 * Included by hosted and by freestanding code: fixed-size types only, no pointers to host memory. Sizes and offsets are
 * pinned by tests/unit/parasite/abi.c.
 */
#ifndef PARASITE_BLOB_H
#define PARASITE_BLOB_H

#include <stdint.h>

/* One system call: written by the host, ret filled in by whoever makes it. */
struct blob_call {
	int64_t nr;
	uint64_t args[6];
	int64_t ret; /* as the kernel returns it: -errno on failure */
};

#endif
