/* kernel/proc-stat.c -- /proc/PID/stat. */

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "criuimg/cleanup.h"
#include "kernel/proc-file.h"
#include "kernel/proc-stat.h"

/* Numbers of the fields, as in the man page (1 is the pid). */
enum {
	FIELD_PPID = 4,
	FIELD_PGRP = 5,
	FIELD_SESSION = 6,
	FIELD_TTY_NR = 7,
	FIELD_TPGID = 8,
	FIELD_FLAGS = 9,
	FIELD_NICE = 19,
	FIELD_NUM_THREADS = 20,
	FIELD_STARTTIME = 22,
	FIELD_STARTCODE = 26,
	FIELD_ENDCODE = 27,
	FIELD_STARTSTACK = 28,
	FIELD_EXIT_SIGNAL = 38,
	FIELD_RT_PRIORITY = 40,
	FIELD_POLICY = 41,
	FIELD_START_DATA = 45,
	FIELD_END_DATA = 46,
	FIELD_START_BRK = 47,
	FIELD_ARG_START = 48,
	FIELD_ARG_END = 49,
	FIELD_ENV_START = 50,
	FIELD_ENV_END = 51,
	FIELD_EXIT_CODE = 52,
	FIELDS,
};

int kern_stat_parse(const char *text, struct kern_stat *stat, struct img_err *err)
{
	const char *open = strchr(text, '('), *close = strrchr(text, ')'), *at;
	unsigned long long field[FIELDS] = { 0 };
	size_t len;

	/* The name is whatever the task called itself, brackets and newlines included: what counts is the
	 * last ')'. */
	if (!open || !close || close < open || close[1] != ' ' || !close[2])
		return img_fail(err, IMG_UNSUPPORTED, "no \"(name) state\" in \"%.60s\"", text);
	memset(stat, 0, sizeof(*stat));
	stat->pid = atoi(text);
	len = close - open - 1;
	if (len >= sizeof(stat->comm))
		len = sizeof(stat->comm) - 1;
	memcpy(stat->comm, open + 1, len);
	stat->state = close[2];

	at = close + 3;
	for (int i = FIELD_PPID; i < FIELDS; i++) {
		char *end;

		field[i] = strtoull(at, &end, 10); /* negative ones wrap, and are cut below */
		if (end == at)
			return img_fail(err, IMG_UNSUPPORTED, "no field %d", i);
		at = end;
	}
	stat->ppid = field[FIELD_PPID];
	stat->pgrp = field[FIELD_PGRP];
	stat->session = field[FIELD_SESSION];
	stat->tty_nr = field[FIELD_TTY_NR];
	stat->tpgid = (pid_t)field[FIELD_TPGID];
	stat->flags = field[FIELD_FLAGS];
	stat->nice = (long)field[FIELD_NICE];
	stat->num_threads = field[FIELD_NUM_THREADS];
	stat->starttime = field[FIELD_STARTTIME];
	stat->start_code = field[FIELD_STARTCODE];
	stat->end_code = field[FIELD_ENDCODE];
	stat->start_stack = field[FIELD_STARTSTACK];
	stat->exit_signal = field[FIELD_EXIT_SIGNAL];
	stat->rt_priority = field[FIELD_RT_PRIORITY];
	stat->policy = field[FIELD_POLICY];
	stat->start_data = field[FIELD_START_DATA];
	stat->end_data = field[FIELD_END_DATA];
	stat->start_brk = field[FIELD_START_BRK];
	stat->arg_start = field[FIELD_ARG_START];
	stat->arg_end = field[FIELD_ARG_END];
	stat->env_start = field[FIELD_ENV_START];
	stat->env_end = field[FIELD_ENV_END];
	stat->exit_code = field[FIELD_EXIT_CODE];
	return 0;
}

int kern_stat_read(pid_t pid, struct kern_stat *stat, struct img_err *err)
{
	cleanup_free char *text = kern_proc_read(NULL, err, "/proc/%d/stat", pid);

	if (!text)
		return -1;
	if (kern_stat_parse(text, stat, err) < 0)
		return img_wrap(err, "/proc/%d/stat", pid);
	return 0;
}

int kern_stat_read_thread(pid_t pid, pid_t tid, struct kern_stat *stat, struct img_err *err)
{
	cleanup_free char *text = kern_proc_read(NULL, err, "/proc/%d/task/%d/stat", pid, tid);

	if (!text)
		return -1;
	if (kern_stat_parse(text, stat, err) < 0)
		return img_wrap(err, "/proc/%d/task/%d/stat", pid, tid);
	return 0;
}
