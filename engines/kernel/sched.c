/* kernel/sched.c -- sched_getattr(2), sched_setattr(2). */

#include "kernel/sched.h"

#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

int kern_sched_getattr(pid_t tid, struct kern_sched_attr *attr, struct img_err *err)
{
	memset(attr, 0, sizeof(*attr));
	if (syscall(SYS_sched_getattr, tid, attr, sizeof(*attr), 0) < 0)
		return img_fail_sys(err, "sched_getattr");
	attr->size = sizeof(*attr);
	return 0;
}

int kern_sched_setattr(pid_t tid, const struct kern_sched_attr *attr)
{
	return (int)syscall(SYS_sched_setattr, tid, attr, 0);
}
