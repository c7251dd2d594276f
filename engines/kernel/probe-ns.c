/* engines/kernel/probe-ns.c -- probes of namespaces. */

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "criuimg/cleanup.h"
#include "kernel/probe.h"

#ifndef CLONE_NEWTIME
#define CLONE_NEWTIME 0x00000080
#endif

static int new_user(struct img_err *err)
{
	return unshare(CLONE_NEWUSER) == 0 ? 1 : kern_probe_no(err, "unshare(CLONE_NEWUSER)");
}

int probe_userns(struct img_err *err)
{
	return kern_probe_in_child(new_user, err);
}

static int new_cgroup(struct img_err *err)
{
	return unshare(CLONE_NEWCGROUP) == 0 ? 1 : kern_probe_no(err, "unshare(CLONE_NEWCGROUP)");
}

int probe_cgroupns(struct img_err *err)
{
	return kern_probe_in_child(new_cgroup, err);
}

static int new_time(struct img_err *err)
{
	cleanup_fd int fd = open("/proc/self/timens_offsets", O_WRONLY | O_CLOEXEC);

	if (fd < 0 || unshare(CLONE_NEWTIME) < 0)
		return kern_probe_no(err, fd < 0 ? "/proc/self/timens_offsets" : "unshare(CLONE_NEWTIME)");
	return 1;
}

int probe_timens(struct img_err *err)
{
	return kern_probe_in_child(new_time, err);
}

/* The pid in another namespace: NSpid in /proc/self/status. */
int probe_ns_pid(struct img_err *err)
{
	cleanup_file FILE *f = fopen("/proc/self/status", "re");
	char line[256];
	int pid;

	if (!f)
		return img_fail_sys(err, "/proc/self/status");
	while (fgets(line, sizeof(line), f)) {
		if (sscanf(line, "NSpid: %d", &pid) == 1)
			return 1;
	}
	img_fail(err, IMG_UNSUPPORTED, "/proc/self/status has no NSpid");
	return 0;
}
