/* kernel/limits.h -- resource limits of another task: /proc/PID/limits.
 *
 * prlimit(2) asks for CAP_SYS_RESOURCE when the task has another uid; this file only for the right to look
 * at it. Facts: fs/proc/base.c (proc_pid_limits).
 */
#ifndef ENGINES_KERNEL_LIMITS_H
#define ENGINES_KERNEL_LIMITS_H

#include <sys/resource.h>
#include <sys/types.h>

#include "criuimg/err.h"

/* limits[RLIMIT_*]; RLIM_INFINITY: none. In the units of getrlimit(2). */
int kern_limits_parse(const char *text, struct rlimit64 limits[RLIM_NLIMITS], struct img_err *err);
int kern_limits_read(pid_t pid, struct rlimit64 limits[RLIM_NLIMITS], struct img_err *err);

#endif
