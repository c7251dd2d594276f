/* kernel/proc-file.h -- small files below /proc, whole. */
#ifndef ENGINES_KERNEL_PROC_FILE_H
#define ENGINES_KERNEL_PROC_FILE_H

#include <stddef.h>

#include "criuimg/err.h"

/* The contents of a file whose size is not known beforehand, with a zero byte after them; the caller
 * frees. *len may be NULL. path is a printf format. NULL on failure, with the path in the error. */
char *kern_proc_read(size_t *len, struct img_err *err, const char *path, ...)
	__attribute__((format(printf, 3, 4)));

/* The same for a file with one number: loginuid, oom_score_adj, timerslack_ns. */
int kern_proc_read_long(long long *value, struct img_err *err, const char *path, ...)
	__attribute__((format(printf, 3, 4)));

/* The entries of a directory that are numbers (/proc/PID/task, /proc/PID/fd), ascending; the caller frees
 * *numbers. */
int kern_proc_numbers(int **numbers, size_t *nr, struct img_err *err, const char *path, ...)
	__attribute__((format(printf, 4, 5)));

/* /proc/PID/task/TID/children: pids, in the order of the kernel's list; the caller frees. */
int kern_proc_children(int pid, int tid, int **pids, size_t *nr, struct img_err *err);

#endif
