/* kernel/proc-status.h -- /proc/PID/task/TID/status. Facts: proc_pid_status(5), fs/proc/array.c
 * (proc_pid_status). */
#ifndef ENGINES_KERNEL_PROC_STATUS_H
#define ENGINES_KERNEL_PROC_STATUS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "criuimg/err.h"

/* How deep pid namespaces nest: include/linux/pid_namespace.h. */
#define KERN_PID_NS_DEPTH 33

/* Signal sets: bit n is signal n + 1. Capability sets: bit n is capability n. Ids as they look from our
 * user namespace. */
struct kern_status {
	char state; /* R S D Z T t X I P */
	pid_t tgid, pid, ppid, tracer;
	uint32_t umask;
	uint32_t uid[4], gid[4]; /* real, effective, saved, file system */
	uint32_t *groups;	 /* owned: kern_status_free() */
	size_t nr_groups;
	/* of this thread: [0] ours, the last one that of its own pid namespace */
	pid_t ns_tid[KERN_PID_NS_DEPTH];
	pid_t ns_tgid[KERN_PID_NS_DEPTH];
	pid_t ns_pgid[KERN_PID_NS_DEPTH];
	pid_t ns_sid[KERN_PID_NS_DEPTH];
	int ns_depth; /* how many of those are there */
	uint64_t sig_pending, sig_shared_pending, sig_blocked, sig_ignored, sig_caught;
	uint64_t cap_inh, cap_prm, cap_eff, cap_bnd, cap_amb;
	bool no_new_privs;
	int seccomp; /* SECCOMP_MODE_*; 0: none */
	unsigned seccomp_filters;
	bool thp_enabled;  /* of the address space; true where the kernel does not say */
	bool shadow_stack; /* x86: the thread has one */
	uint64_t untag_mask; /* bits of an address that count; all of them where the kernel does not say */
	unsigned threads;
};

int kern_status_parse(const char *text, struct kern_status *status, struct img_err *err);
/* Of thread tid of process pid; IMG_SYS with ENOENT or ESRCH when there is none. */
int kern_status_read(pid_t pid, pid_t tid, struct kern_status *status, struct img_err *err);
void kern_status_free(struct kern_status *status);

#endif
