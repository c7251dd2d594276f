/* engines/criu-restore/tape.h -- writing down what the blob of a task is to do.
 *
 * A room adds steps to a tape under a phase; the phases run in the order of the enum, the steps of one phase
 * in the order they were added. Arguments that are pointers must point into the tape's own memory
 * (tape_data(), tape_zero()), into shared memory of the run or into memory of the restored task: nothing else
 * exists when the step is done.
 *
 * Each thread has a tape. The leader's goes through all phases; the others' have the TAPE_THREAD* phases
 * alone.
 */
#ifndef CRIU_RESTORE_TAPE_H
#define CRIU_RESTORE_TAPE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "criuimg/err.h"
#include "parasite/restore.h"

struct restore;

/* THE ORDER inside the blob, with the reason of each place. */
enum tape_phase {
	/* The vdso is put aside, then criu-restore's own memory goes: the new layout needs its addresses. */
	TAPE_UNMAP,
	/* mremap what was premapped, mmap the rest. */
	TAPE_MAP,
	/* The whole address space stands: the vdso in place, patches of its text. */
	TAPE_MAPPED,
	/* mprotect, madvise, mlock: after whoever wrote into these mappings. */
	TAPE_PROTECT,
	/* PR_SET_MM_MAP: wants all of the old exe's mappings gone; before RLIMIT_DATA counts. Root and cwd,
	 * with descriptors that go next. */
	TAPE_MM,
	/* Descriptors not of the image: the mappings and the exe link needed them. */
	TAPE_CLOSE,
	/* Actions: before threads, which share them; children that end have ended. */
	TAPE_SIGNALS,
	/* The other threads are made, and play their tapes beside this one. */
	TAPE_THREADS,
	/* Per thread, with all capabilities: names, lists, rseq, scheduling, alternate stack. */
	TAPE_THREAD,
	/* Per thread: signals pending for it. They stay so: every thread blocks all until it is resumed. */
	TAPE_THREAD_PENDING,
	/* Signals pending for the process; before RLIMIT_SIGPENDING. */
	TAPE_PENDING,
	/* POSIX timers made: they may name threads. */
	TAPE_TIMERS,
	/* Limits, after everything that they would limit. */
	TAPE_LIMITS,
	/* Per thread: identity and capabilities; from here on nothing privileged works. */
	TAPE_THREAD_CREDS,
	/* Per thread: what the kernel resets when the identity changes: the parent-death signal. */
	TAPE_THREAD_LAST,
	/* All threads have come this far. */
	TAPE_TOGETHER,
	/* Dumpable (reset by any thread's identity), timers armed, as late as possible. */
	TAPE_ARM,
	TAPE_NR_PHASES,
};

static inline int tape_phase_of_thread(enum tape_phase phase)
{
	return phase == TAPE_THREAD || phase == TAPE_THREAD_PENDING || phase == TAPE_THREAD_CREDS ||
	       phase == TAPE_THREAD_LAST;
}

struct restore_tape;

/* Add a step: `what` is said when it fails ("set limit NOFILE"), copied. Missing arguments are 0. Returns the
 * step, to set flags and expect in: never NULL, valid until the next one is added. Without memory, or with a
 * phase that is not a thread's on a thread's tape, the failure is kept and comes out when the tape is
 * finished: a room writes its steps without looking. */
#define tape_step(tape, phase, what, nr, ...)                                                                \
	tape_step_((tape), (phase), (what), (nr), ##__VA_ARGS__, 0, 0, 0, 0, 0, 0)
#define tape_step_(tape, phase, what, nr, a, b, c, d, e, f, ...)                                             \
	tape_add((tape), (phase), (what), (nr),                                                              \
		(const uint64_t[6]){ (uint64_t)(a), (uint64_t)(b), (uint64_t)(c), (uint64_t)(d),             \
			(uint64_t)(e), (uint64_t)(f) })
struct blob_step *tape_add(struct restore_tape *tape, enum tape_phase phase, const char *what, uint64_t nr,
	const uint64_t args[6]);

/* Memory of the tape: copied or zeroed, 16-byte aligned (64 for larger pieces); the address is final. 0
 * without memory (kept as above). */
uint64_t tape_data(struct restore_tape *tape, const void *data, size_t size);
uint64_t tape_zero(struct restore_tape *tape, size_t size);
/* The same memory, to write to: at most what tape_zero() was asked for. */
void *tape_memory(struct restore_tape *tape, uint64_t address);

/* ---- for handoff.c ---- */

/* The memory that all tapes of a task share: one range of the scratch, grown as needed. */
struct tape_area {
	uint64_t start, next, mapped, end;
};

int tape_area_init(struct tape_area *area, struct restore *r, struct img_err *err);

/* leader: all phases are allowed. NULL without memory. */
struct restore_tape *tape_new(struct tape_area *area, bool leader);
/* Put the steps in their final order and place. The tape is gone whatever is returned. */
int tape_finish(struct restore_tape *tape, struct blob_tape *out, struct img_err *err);

#endif
