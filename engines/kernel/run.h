/* kernel/run.h -- another program, with what it reads and what it says. */
#ifndef ENGINES_KERNEL_RUN_H
#define ENGINES_KERNEL_RUN_H

#include "criuimg/err.h"

/* Run argv (found on PATH, and in the directories of root's programs) and wait for it. in: a descriptor it reads from, out: one
 * it writes to; -1: /dev/null. What it says on standard error becomes the failure's text when its status is not 0. A program
 * that is not there: IMG_SYS with ENOENT. Signals are as a program expects them. */
int kern_run(const char *const *argv, int in, int out, struct img_err *err);

#endif
