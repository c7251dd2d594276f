/* engines/criu-restore/tape.h -- writing down what the blob of a task is to do.
 *
 * A room adds calls to a tape under a phase; the phases run in the order of the enum, the calls of one phase in the order
 * they were added. Arguments that are pointers must point into the tape's own memory (tape_data(), tape_zero()) or into memory
 * of the restored task: nothing else exists when the call is made.
 *
 * The leader's tape goes from TAPE_UNMAP to TAPE_LAST. A thread other than the leader starts in TAPE_THREAD with a
 * tape of its own that has only the TAPE_THREAD* phases; the leader's has these too, for itself.
 */
#ifndef CRIU_RESTORE_TAPE_H
#define CRIU_RESTORE_TAPE_H

#include <stdint.h>

#include "criuimg/err.h"
#include "parasite/restore.h"

/* THE ORDER inside the blob, with the reason of each place. */
enum tape_phase {
	TAPE_UNMAP,	     /* the vdso is put aside, then criu-restore's own memory goes: the new layout needs its addresses */
	TAPE_MAP,	     /* mremap what was premapped, mmap the rest */
	TAPE_MAPPED,	     /* whole address space stands: vdso in place, patches of its text */
	TAPE_PROTECT,	     /* mprotect, madvise, mlock: after whoever wrote into these mappings */
	TAPE_MM,	     /* PR_SET_MM_MAP: wants all of the old exe's mappings gone; before RLIMIT_DATA counts */
	TAPE_CLOSE,	     /* descriptors not of the image: the mappings and the exe link needed them */
	TAPE_SIGNALS,	     /* actions: before threads, which share them; children that end have ended */
	TAPE_THREADS,	     /* the other threads are made, and run their tapes beside this one */
	TAPE_THREAD,	     /* per thread, with all capabilities: names, lists, rseq, scheduling, alternate stack */
	TAPE_THREAD_PENDING, /* per thread: signals pending for it (blocked: every thread blocks all until it is resumed) */
	TAPE_PENDING,	     /* leader: signals pending for the process; before RLIMIT_SIGPENDING */
	TAPE_TIMERS,	     /* leader: POSIX timers made: they may name threads */
	TAPE_LIMITS,	     /* leader: limits, after everything that they would limit */
	TAPE_THREAD_CREDS,   /* per thread: identity and capabilities; from here on nothing privileged works */
	TAPE_THREAD_LAST,    /* per thread: what the kernel resets when the identity changes: parent-death signal */
	TAPE_TOGETHER,	     /* leader: waits until all threads have come this far */
	TAPE_ARM,	     /* leader: dumpable (reset by any thread's identity), timers armed, as late as possible */
	TAPE_LAST,
	TAPE_NR_PHASES,
};

struct restore_tape;

/* Add a call: `what` is said when it fails ("set limit NOFILE"): copied. Missing args are 0. Failures (no memory) are
 * kept and returned by tape_finish(), so that a room can write its calls without looking. Returns the call to set flags
 * and expect in, never NULL, valid until the next one is added. */
struct blob_call *tape_call(struct restore_tape *tape, enum tape_phase phase, const char *what, uint64_t nr,
	uint64_t a0, uint64_t a1, uint64_t a2, uint64_t a3, uint64_t a4, uint64_t a5);

/* Memory of the tape: copied or zeroed, 16-byte aligned (64 for larger pieces); the address is final. */
uint64_t tape_data(struct restore_tape *tape, const void *data, size_t size);
uint64_t tape_zero(struct restore_tape *tape, size_t size);

#endif
