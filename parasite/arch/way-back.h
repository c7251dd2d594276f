/* parasite/arch/way-back.h -- how a thread that was made to make a call gets back by itself.
 *
 * The call is made at an instruction of the task's own that a return follows. What it returns to is another piece of the task's own
 * code, that calls rt_sigreturn(2): the one that its signal handlers return to. And below its stack lies a frame, as for a signal
 * handler, with all that the thread had. So should nobody be there any more when the call is done, the kernel itself puts the
 * thread back.
 */
#ifndef PARASITE_ARCH_WAY_BACK_H
#define PARASITE_ARCH_WAY_BACK_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "criuimg/err.h"
#include "parasite/arch/regs.h"

/* The first such piece of code in these bytes: its offset, or -1. None is longer than ARCH_CODE_MAX. */
enum { ARCH_CODE_MAX = 16 };
long arch_find_call_and_return(const uint8_t *text, size_t len);
long arch_find_sigreturn(const uint8_t *text, size_t len);

/* A frame: bytes to be put at `at`, with which the stack pointer is `at` at the call. */
struct arch_frame {
	uint64_t at;
	uint64_t spare; /* 64 bytes in it that nobody reads */
	uint8_t *bytes; /* the caller frees */
	size_t size;
};

/* For a stopped thread. sigreturn: where that code is. 1; 0 when this thread cannot go back in this way (it has a shadow stack);
 * -1. A call that waits with a timeout is made anew, and waits from the start: what the kernel remembered of it is lost. */
int arch_frame_make(pid_t tid, const struct arch_regs *regs, uint64_t sigmask, uint64_t sigreturn,
	struct arch_frame *frame, struct img_err *err);

#endif
