/* engines/log/log.h -- the log of a run: one line per object, with the time since the start.
 *
 * A run has one log, passed down; there is none at file scope. Lines look like "(00.012345) pid 17: fd 3: pipe 0x2" and
 * are whole even when several processes of a run write the same file (O_APPEND, one write(2) each). Levels are those
 * of the classic command line: -v1 errors, -v2 warnings, -v3 what is done, -v4 details.
 */
#ifndef ENGINES_LOG_H
#define ENGINES_LOG_H

#include <stdbool.h>
#include <stdint.h>

#include "criuimg/err.h"

enum log_level {
	LOG_ERROR = 1,
	LOG_WARN = 2,
	LOG_INFO = 3,
	LOG_DEBUG = 4,
};

struct log {
	int fd;		 /* -1: nowhere */
	int level;	 /* 0..4; lines of a higher level are not written */
	bool with_pid;	 /* show the writing process after the time */
	uint64_t start_ns; /* CLOCK_MONOTONIC at log_open */
	char first_error[512]; /* text of the first LOG_ERROR line, "" while there is none */
};

/* name NULL or "": standard error. Else a file relative to dirfd, truncated; with pid_suffix "<name>.<pid>". */
int log_open(struct log *log, int dirfd, const char *name, int level, struct img_err *err);
/* Each process of the run its own file "<name>.<pid>" (--log-pid): called by the child. */
int log_reopen_for_pid(struct log *log, int dirfd, const char *name, int pid, struct img_err *err);
void log_close(struct log *log);

void log_write(struct log *log, enum log_level level, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

#define log_error(log, ...) log_write((log), LOG_ERROR, __VA_ARGS__)
#define log_warn(log, ...)  log_write((log), LOG_WARN, __VA_ARGS__)
#define log_info(log, ...)  log_write((log), LOG_INFO, __VA_ARGS__)
#define log_debug(log, ...) log_write((log), LOG_DEBUG, __VA_ARGS__)

#endif
