/* engines/kernel/program.h -- run another program: what it reads, what it says, how it ended. */
#ifndef ENGINES_KERNEL_PROGRAM_H
#define ENGINES_KERNEL_PROGRAM_H

#include <stddef.h>

#include "criuimg/err.h"

/* Run argv[0], looked for in PATH, with input (len bytes) as its standard input, and wait for it. Returns its exit status;
 * -1 when it could not be run (IMG_UNSUPPORTED: not installed) or was killed.
 *
 * output: what it wrote to standard output, ended by a NUL, the caller's to free; may be NULL.
 * complaint: the first line that it wrote to standard error, without its end, cut at size - 1; may be NULL. */
int kern_run_program(const char *const argv[], const char *input, size_t len, char **output, char *complaint, size_t size,
	struct img_err *err);

#endif
