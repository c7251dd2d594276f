/* parasite/blob.h -- the wire between the host and the code that runs inside a task.
 *
 * Included by hosted code, by freestanding code and by the assembler: fixed sizes and offsets only, no
 * pointers to host memory. Offsets are pinned by tests/unit/parasite/abi.c.
 *
 * The dump blob's memory, an area in the task:
 *
 * 	0				the code (parasite/arch/<arch>/dump-blob.S)
 * 	BLOB_FRAME			struct blob_frame: how the thread goes on, and what to do before
 * 	BLOB_CALLS			struct blob_call[nr_calls]
 * 	after the calls			buffers that the calls' arguments point to
 */
#ifndef PARASITE_BLOB_H
#define PARASITE_BLOB_H

#define BLOB_FRAME 512
#define BLOB_CALLS 1024

/* Offsets in struct blob_frame. */
#define BLOB_FRAME_NR_CALLS 0
#define BLOB_FRAME_SIGNO    8
#define BLOB_FRAME_SIGMASK  16
#define BLOB_FRAME_REGS	    24

/* One of the regs of a frame that is none: where 32-bit code goes on, 4 bytes, and its code segment, 2 bytes. */
#define BLOB_FRAME_FAR 28

/* Offsets in struct blob_call. */
#define BLOB_CALL_NR   0
#define BLOB_CALL_ARGS 8
#define BLOB_CALL_RET  56
#define BLOB_CALL_SIZE 64

#ifndef __ASSEMBLER__

#include <stdint.h>

/* One system call: written by the host, ret filled in by the blob. clone(2) with CLONE_VM is special: its child makes a child of its
 * own with a copy of the memory, leaves that one's pid (an int) where args[2] points to, and ends; the copy waits for five seconds
 * to be traced, and ends. */
struct blob_call {
	int64_t nr;
	uint64_t args[6];
	int64_t ret; /* as the kernel returns it: -errno on failure */
};

struct blob_frame {
	uint64_t nr_calls;
	/* a signal that the task ignores: the thread sends it to itself when all calls are made */
	uint64_t signo;
	uint64_t sigmask; /* of the thread, to be set again */
	/* its registers, in the order of struct arch_regs; a call that was interrupted is made again */
	uint64_t regs[32];
};

_Static_assert(sizeof(struct blob_call) == BLOB_CALL_SIZE, "as the assembler knows it");
_Static_assert(BLOB_FRAME + sizeof(struct blob_frame) <= BLOB_CALLS, "the frame lies before the calls");

#endif
#endif
