/* engines/ns/time/time-dump.c -- what criu-dump saves of a time namespace: what its clocks say.
 *
 * The namespace is not entered: its offsets are in /proc/PID/timens_offsets, as are ours (time_namespaces(7)).
 */

#include <sched.h>
#include <stdio.h>
#include <time.h>

#include "criu-dump/ns_ops.h"
#include "criuimg/cleanup.h"
#include "criuimg/image.h"
#include "kernel/proc-file.h"
#include "timens.pb-c.h"

extern const struct ns_dump_ops time_dump_ops;

#define NS_PER_S 1000000000ll

struct offsets {
	long long monotonic, boottime; /* nanoseconds */
};

static int read_offsets(pid_t pid, struct offsets *o, struct img_err *err)
{
	cleanup_free char *text = NULL;
	long long ms, mn, bs, bn;

	if (pid)
		text = kern_proc_read(NULL, err, "/proc/%d/timens_offsets", pid);
	else
		text = kern_proc_read(NULL, err, "/proc/self/timens_offsets");
	if (!text)
		return -1;
	if (sscanf(text, "monotonic %lld %lld boottime %lld %lld", &ms, &mn, &bs, &bn) != 4)
		return img_fail(err, IMG_SYS, "timens_offsets: not as expected");
	o->monotonic = ms * NS_PER_S + mn;
	o->boottime = bs * NS_PER_S + bn;
	return 0;
}

static void add(Timespec *out, clockid_t clock, long long ns)
{
	struct timespec now;
	long long sum;

	clock_gettime(clock, &now);
	sum = now.tv_sec * NS_PER_S + now.tv_nsec + ns;
	out->tv_sec = (uint64_t)(sum / NS_PER_S);
	out->tv_nsec = (uint64_t)(sum % NS_PER_S);
}

static int time_dump(struct dump *d, const struct dump_namespace *ns, struct img_err *err)
{
	Timespec mono = TIMESPEC__INIT, boot = TIMESPEC__INIT;
	TimensEntry e = TIMENS_ENTRY__INIT;
	struct offsets own = { 0 }, its = { 0 };

	if (read_offsets(0, &own, err) < 0 || read_offsets(ns->task->pid, &its, err) < 0)
		return -1;
	add(&mono, CLOCK_MONOTONIC, its.monotonic - own.monotonic);
	add(&boot, CLOCK_BOOTTIME, its.boottime - own.boottime);
	e.monotonic = &mono;
	e.boottime = &boot;
	log_info(d->log, "time namespace %u: monotonic %llu, boottime %llu", ns->id, (unsigned long long)mono.tv_sec,
		(unsigned long long)boot.tv_sec);
	return img_write_single(d->set, IMG_TIMENS, ns->id, &e.base, err);
}

const struct ns_dump_ops time_dump_ops = {
	.name = "time",
	.flag = CLONE_NEWTIME,
	.dump = time_dump,
};
