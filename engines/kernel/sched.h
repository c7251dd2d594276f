/* kernel/sched.h -- sched_getattr(2), sched_setattr(2): glibc has names for them since 2.41 only. Facts: sched_setattr(2),
 * include/uapi/linux/sched/types.h. */
#ifndef ENGINES_KERNEL_SCHED_H
#define ENGINES_KERNEL_SCHED_H

#include <sched.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "criuimg/err.h"

struct kern_sched_attr {
	uint32_t size, policy;
	uint64_t flags; /* SCHED_FLAG_* */
	int32_t nice;
	uint32_t priority;
	uint64_t runtime, deadline, period; /* ns */
	uint32_t util_min, util_max;
};

enum {
	KERN_SCHED_DEADLINE = 6,
	KERN_SCHED_FLAG_RESET_ON_FORK = 1,
	KERN_SCHED_FLAGS_DEADLINE = 2 | 4, /* SCHED_FLAG_RECLAIM, SCHED_FLAG_DL_OVERRUN */
	KERN_SCHED_FLAGS_UTIL = 0x20 | 0x40, /* SCHED_FLAG_UTIL_CLAMP_MIN, _MAX */
	KERN_UTIL_FULL = 1024,
};

static inline bool kern_sched_fair(unsigned policy)
{
	return policy == SCHED_OTHER || policy == SCHED_BATCH;
}

/* What a thread of this policy starts with: real-time ones want a fast CPU (sysctl kernel.sched_util_clamp_min_rt_default). */
static inline unsigned kern_util_usual(unsigned policy)
{
	return policy == SCHED_FIFO || policy == SCHED_RR ? KERN_UTIL_FULL : 0;
}

int kern_sched_getattr(pid_t tid, struct kern_sched_attr *attr, struct img_err *err);
/* -1 and errno. */
int kern_sched_setattr(pid_t tid, const struct kern_sched_attr *attr);

#endif
