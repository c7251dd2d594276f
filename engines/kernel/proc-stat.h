/* kernel/proc-stat.h -- /proc/PID/stat. Facts: proc_pid_stat(5), fs/proc/array.c (do_task_stat). */
#ifndef ENGINES_KERNEL_PROC_STAT_H
#define ENGINES_KERNEL_PROC_STAT_H

#include <stdint.h>
#include <sys/types.h>

#include "criuimg/err.h"

/* The fields that are of use, named as in the man page. */
struct kern_stat {
	pid_t pid;
	char comm[64]; /* 15 bytes and room for what the kernel adds to its own threads */
	char state;    /* R S D Z T t X I P */
	pid_t ppid, pgrp, session;
	uint32_t tty_nr; /* as the kernel's new_encode_dev() has it; 0: none */
	pid_t tpgid;	 /* foreground group of that terminal; -1: none */
	uint32_t flags;	 /* PF_* of the leader */
	long nice;
	long num_threads;
	uint64_t starttime;			    /* since boot, in ticks of sysconf(_SC_CLK_TCK) */
	uint64_t start_code, end_code, start_stack; /* 0 where ptrace access is refused */
	int exit_signal; /* what its parent gets when it ends; -1: a thread that is no leader */
	unsigned rt_priority, policy;
	uint64_t start_data, end_data, start_brk, arg_start, arg_end, env_start, env_end;
	int exit_code; /* as wait(2) gives it */
};

/* From text, as read. Fails IMG_UNSUPPORTED where it does not look like the man page says. */
int kern_stat_parse(const char *text, struct kern_stat *stat, struct img_err *err);
/* /proc/PID/stat; IMG_SYS with ENOENT or ESRCH when there is no such task. */
int kern_stat_read(pid_t pid, struct kern_stat *stat, struct img_err *err);
/* /proc/PID/task/TID/stat: of one thread. The other one adds up all threads, which takes as long as there are many. */
int kern_stat_read_thread(pid_t pid, pid_t tid, struct kern_stat *stat, struct img_err *err);

#endif
