/* parasite/host/run.h -- what the files of parasite/host/ share: one thread being made to work. */
#ifndef PARASITE_HOST_RUN_H
#define PARASITE_HOST_RUN_H

#include "kernel/ptrace.h"
#include "parasite/arch/thread.h"
#include "parasite/arch/way-back.h"
#include "parasite/host/inject.h"

enum {
	CALL_ARGS = 6,
	STOP_TIMEOUT_MS = 10000, /* none of the calls sleeps */
};

/* A call of a batch, and where its buffers lie. */
struct inject_pending {
	int64_t nr;
	long *ret;
	size_t nr_args;
	struct inject_arg args[CALL_ARGS];
	size_t offset[CALL_ARGS]; /* from the start of the batch's buffers */
};

struct inject_batch {
	struct inject_pending *calls;
	size_t nr, room;
	size_t size; /* of all buffers */
	bool nomem;
};

/* A frame in the task: way-back.c. */
struct way_back {
	uint64_t at; /* 0: there is none */
	uint64_t spare; /* some bytes of it that are of no use */
	size_t size;
	uint8_t *old; /* what was there */
};

struct run {
	struct inject_space *space;
	const struct inject_thread *th;
	bool running; /* resumed, and not seen to stop since */
	bool stopped; /* a SIGSTOP came in between: to be sent again at the end */
	bool masked;  /* its signal mask is ours */
	struct way_back back;
};

/* Let the thread go on: request as PTRACE_CONT, PTRACE_SYSCALL. */
int run_resume(struct run *r, int request, struct img_err *err);
/* Stop it, if it has not come to the stop that was waited for: its registers must be put right in any
 * case. */
int run_regain(struct run *r, struct img_err *err);
/* Wait until the thread has come to the stop wanted, resuming it with `resume` from others. value: the
 * signal, of a KERN_STOP_SIGNAL. */
int run_wait(struct run *r, enum kern_stop_kind kind, int value, int resume, struct img_err *err);
/* Filters of the thread's own must not see our calls. Where the kernel does not let us, they do, and say
 * what they say. */
void run_suspend_seccomp(struct run *r);
int run_resume_seccomp(struct run *r, struct img_err *err);
/* Send a SIGSTOP that was taken out of the queue again. */
int run_stop_again(struct run *r, struct img_err *err);

/* ---- step.c: calls at an instruction of the task's own ---- */

int step_begin(struct run *r, struct img_err *err);
int step_call(struct run *r, int64_t nr, const uint64_t args[CALL_ARGS], int64_t *ret, struct img_err *err);
/* Everything as before, stopped in a PTRACE_EVENT_STOP. To be called even if step_begin() or step_call()
 * failed. */
int step_end(struct run *r, struct img_err *err);
/* All calls of a batch whose buffers are at space->area. */
int step_batch(struct run *r, const struct inject_batch *b, uint8_t *buffers, struct img_err *err);

/* ---- way-back.c ---- */

void way_back_open(struct run *r);
int way_back_close(struct run *r, struct img_err *err);

/* ---- limits.c ---- */

/* One call by itself, with the soft limits on memory out of its way. *ret is left alone when that cannot
 * be done. */
int limits_beyond(
	struct run *r, int64_t nr, const uint64_t args[CALL_ARGS], int64_t *ret, struct img_err *err);

/* ---- blob.c: calls by the dump blob ---- */

/* Bytes that the area must have. */
size_t blob_area_size(const struct inject_batch *b);
/* All calls of a batch, in an area that may be executed. */
int blob_batch(struct run *r, const struct inject_batch *b, uint8_t *buffers, struct img_err *err);

#endif
