/* engines/kernel/probe-task.c -- probes of what is asked about tasks: kcmp(2), ptrace(2), prctl(2), clone3(2), timers. */

#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/kcmp.h>
#include <linux/sched.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#include "criuimg/cleanup.h"
#include "kernel/probe.h"

#ifndef PTRACE_GET_RSEQ_CONFIGURATION
#define PTRACE_GET_RSEQ_CONFIGURATION 0x420f
#endif
#ifndef PR_TIMER_CREATE_RESTORE_IDS
#define PR_TIMER_CREATE_RESTORE_IDS    77 /* Linux 6.15, include/uapi/linux/prctl.h */
#define PR_TIMER_CREATE_RESTORE_IDS_ON 1
#endif

/* A child that waits, and is ended and reaped at the end of the scope. */
static pid_t sleeper(void)
{
	pid_t pid = fork();

	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		for (;;)
			pause();
	}
	return pid;
}

static void sleeper_end(pid_t *pid)
{
	int saved = errno;

	if (*pid > 0) {
		kill(*pid, SIGKILL);
		while (waitpid(*pid, NULL, __WALL) < 0 && errno == EINTR)
			;
	}
	errno = saved;
}

#define cleanup_sleeper __attribute__((cleanup(sleeper_end)))

/* Seize and interrupt; 0, or -1 with errno. */
static int stop(pid_t pid)
{
	int status;

	if (ptrace(PTRACE_SEIZE, pid, 0, 0) < 0 || ptrace(PTRACE_INTERRUPT, pid, 0, 0) < 0)
		return -1;
	return waitpid(pid, &status, __WALL) == pid ? 0 : -1;
}

int probe_kcmp(struct img_err *err)
{
	pid_t me = getpid();

	return syscall(SYS_kcmp, me, me, KCMP_FILE, 0, 0) == 0 ? 1 : kern_probe_no(err, "kcmp(KCMP_FILE)");
}

int probe_kcmp_epoll(struct img_err *err)
{
	cleanup_fd int epfd = epoll_create1(EPOLL_CLOEXEC);
	struct epoll_event ev = { .events = EPOLLIN };
	int ends[2], ret;

	if (epfd < 0 || pipe2(ends, O_CLOEXEC) < 0)
		return img_fail_sys(err, "epoll and pipe");
	if (epoll_ctl(epfd, EPOLL_CTL_ADD, ends[0], &ev) < 0) {
		ret = img_fail_sys(err, "epoll_ctl");
	} else {
		struct kcmp_epoll_slot slot = { .efd = epfd, .tfd = ends[0] };

		ret = syscall(SYS_kcmp, getpid(), getpid(), KCMP_EPOLL_TFD, ends[0], &slot) == 0;
		if (!ret)
			kern_probe_no(err, "kcmp(KCMP_EPOLL_TFD)");
	}
	close(ends[0]);
	close(ends[1]);
	return ret;
}

int probe_proc_children(struct img_err *err)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/self/task/%d/children", (int)getpid());
	return access(path, R_OK) == 0 ? 1 : kern_probe_no(err, path);
}

int probe_map_files(struct img_err *err)
{
	cleanup_dir DIR *dir = opendir("/proc/self/map_files");
	struct dirent *de;
	char path[512], link[4096];

	if (!dir)
		return kern_probe_no(err, "/proc/self/map_files");
	while ((de = readdir(dir)) != NULL) {
		if (de->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), "/proc/self/map_files/%s", de->d_name);
		if (readlink(path, link, sizeof(link)) < 0)
			return kern_probe_no(err, path);
		return 1;
	}
	return img_fail(err, IMG_SYS, "/proc/self/map_files is empty");
}

int probe_peeksiginfo(struct img_err *err)
{
	struct __ptrace_peeksiginfo_args args = { .nr = 1 };
	cleanup_sleeper pid_t pid = sleeper();
	siginfo_t info;

	if (pid < 0 || stop(pid) < 0)
		return img_fail_sys(err, "ptrace");
	return ptrace(PTRACE_PEEKSIGINFO, pid, &args, &info) >= 0 ? 1 : kern_probe_no(err, "PTRACE_PEEKSIGINFO");
}

int probe_set_mm_map(struct img_err *err)
{
	unsigned size = 0;

	return prctl(PR_SET_MM, PR_SET_MM_MAP_SIZE, &size, 0, 0) == 0 ? 1 : kern_probe_no(err, "prctl(PR_SET_MM_MAP_SIZE)");
}

int probe_clone3_set_tid(struct img_err *err)
{
	pid_t wanted = getpid(); /* taken: a kernel that knows set_tid says EEXIST, without the right EPERM */
	struct clone_args args = { .exit_signal = SIGCHLD, .set_tid = (uintptr_t)&wanted, .set_tid_size = 1 };
	pid_t pid = syscall(SYS_clone3, &args, sizeof(args));

	if (pid == 0)
		_exit(0);
	if (pid > 0)
		waitpid(pid, NULL, 0);
	return pid < 0 && errno == EEXIST ? 1 : kern_probe_no(err, "clone3(set_tid)");
}

int probe_ns_last_pid(struct img_err *err)
{
	cleanup_fd int fd = open("/proc/sys/kernel/ns_last_pid", O_RDWR | O_CLOEXEC);

	return fd >= 0 ? 1 : kern_probe_no(err, "/proc/sys/kernel/ns_last_pid");
}

int probe_get_rseq_conf(struct img_err *err)
{
	cleanup_sleeper pid_t pid = sleeper();
	uint64_t conf[3]; /* struct ptrace_rseq_configuration */

	if (pid < 0 || stop(pid) < 0)
		return img_fail_sys(err, "ptrace");
	return ptrace(PTRACE_GET_RSEQ_CONFIGURATION, pid, sizeof(conf), conf) >= 0 ?
		       1 :
		       kern_probe_no(err, "PTRACE_GET_RSEQ_CONFIGURATION");
}

int probe_seccomp_suspend(struct img_err *err)
{
	cleanup_sleeper pid_t pid = sleeper();

	if (pid < 0)
		return img_fail_sys(err, "fork");
	return ptrace(PTRACE_SEIZE, pid, 0, PTRACE_O_SUSPEND_SECCOMP) == 0 ? 1 :
									       kern_probe_no(err, "PTRACE_O_SUSPEND_SECCOMP");
}

int probe_seccomp_filters(struct img_err *err)
{
	cleanup_sleeper pid_t pid = sleeper();

	if (pid < 0 || stop(pid) < 0)
		return img_fail_sys(err, "ptrace");
	/* A task without filters: ENOENT, or EINVAL where it has no seccomp at all; EIO where ptrace does not know it. */
	if (ptrace(PTRACE_SECCOMP_GET_FILTER, pid, 0, 0) >= 0 || errno == ENOENT || errno == EINVAL)
		return 1;
	return kern_probe_no(err, "PTRACE_SECCOMP_GET_FILTER");
}

int probe_loginuid(struct img_err *err)
{
	cleanup_fd int fd = open("/proc/self/loginuid", O_RDWR | O_CLOEXEC);

	return fd >= 0 ? 1 : kern_probe_no(err, "/proc/self/loginuid");
}

static int timer_ids(struct img_err *err)
{
	return prctl(PR_TIMER_CREATE_RESTORE_IDS, PR_TIMER_CREATE_RESTORE_IDS_ON, 0, 0, 0) == 0 ?
		       1 :
		       kern_probe_no(err, "prctl(PR_TIMER_CREATE_RESTORE_IDS)");
}

int probe_timer_cr_ids(struct img_err *err)
{
	return kern_probe_in_child(timer_ids, err);
}

int probe_breakpoints(struct img_err *err)
{
	cleanup_sleeper pid_t pid = sleeper();
	size_t dr0 = offsetof(struct user, u_debugreg[0]), dr7 = offsetof(struct user, u_debugreg[7]);

	if (pid < 0 || stop(pid) < 0)
		return img_fail_sys(err, "ptrace");
	/* An execution breakpoint at an address that is never reached. */
	if (ptrace(PTRACE_POKEUSER, pid, dr0, (void *)0x1000) < 0 || ptrace(PTRACE_POKEUSER, pid, dr7, (void *)1) < 0)
		return kern_probe_no(err, "debug registers");
	return 1;
}

int probe_pidfd_store(struct img_err *err)
{
	cleanup_fd int pidfd = syscall(SYS_pidfd_open, getpid(), 0);
	cleanup_fd int copy = pidfd < 0 ? -1 : syscall(SYS_pidfd_getfd, pidfd, pidfd, 0);

	return copy >= 0 ? 1 : kern_probe_no(err, pidfd < 0 ? "pidfd_open" : "pidfd_getfd");
}

int probe_compat_cr(struct img_err *err)
{
#ifdef ARCH_MAP_VDSO_32
	return 1;
#else
	enum { MAP_VDSO_32 = 0x2002 };
	/* arch_prctl(ARCH_MAP_VDSO_32) at a bad address: EINVAL or EFAULT where the kernel has 32-bit tasks at all. */
	if (syscall(SYS_arch_prctl, MAP_VDSO_32, 1) < 0 && (errno == EINVAL || errno == ENOSYS || errno == EPERM))
		return kern_probe_no(err, "arch_prctl(ARCH_MAP_VDSO_32)");
	return 1;
#endif
}

int probe_apparmor_stacking(struct img_err *err)
{
	const char *path = "/sys/kernel/security/apparmor/features/domain/stack";
	cleanup_fd int fd = open(path, O_RDONLY | O_CLOEXEC);

	return fd >= 0 ? 1 : kern_probe_no(err, path);
}
