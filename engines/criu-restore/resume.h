/* engines/criu-restore/resume.h -- the last act: taking all threads out of the blob, and letting them run. */
#ifndef CRIU_RESTORE_RESUME_H
#define CRIU_RESTORE_RESUME_H

#include "criu-restore/restore.h"
#include "kernel/ptrace.h"

/* All tapes are played. Hold every thread by ptrace, take the blob's memory away, run the rooms' `resume`.
 * Nothing of the tree has run yet afterwards. */
int restore_hold(struct restore *r, struct img_err *err);
/* Let all of them go. */
int restore_release(struct restore *r, struct img_err *err);

/* Wait until a held thread that was let go on stops again, in this way (kernel/ptrace.h). */
int restore_held_wait(struct restore_task *t, pid_t tid, enum kern_stop_kind wanted, struct img_err *err);

/* Have a thread of a held task make a system call in its blob; result as the kernel gives it. Before the blob
 * goes. */
int restore_remote_call(struct restore *r, struct restore_task *t, pid_t tid, int64_t nr,
	const uint64_t args[6], int64_t *result, struct img_err *err);

#endif
