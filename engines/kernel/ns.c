/* kernel/ns.c -- doing something inside another mount namespace. */

#include "kernel/ns.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "criuimg/cleanup.h"

struct outcome {
	int ret;
	struct img_err err;
};

/* In a copy that another user namespace owns, mounts could not be told from what they hide: they are locked together. So a copy is
 * made as whoever owns the original (mount_namespaces(7)). In our own user namespace already: EINVAL. */
static int enter(int ns, int user, int copy, struct img_err *err)
{
	if (copy && user >= 0 && setns(user, CLONE_NEWUSER) < 0 && errno != EINVAL)
		return img_fail_sys(err, "enter a user namespace");
	if (setns(ns, CLONE_NEWNS) < 0)
		return img_fail_sys(err, "enter a mount namespace");
	if (copy && (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0))
		return img_fail_sys(err, "copy a mount namespace");
	return 0;
}

int kern_in_mntns(pid_t pid, int copy, int (*fn)(void *arg, struct img_err *err), void *arg, struct img_err *err)
{
	cleanup_fd int ns = -1, user = -1;
	struct outcome *out;
	char path[32];
	int status, ret;
	long child;

	snprintf(path, sizeof(path), "/proc/%d/ns/mnt", (int)pid);
	ns = open(path, O_RDONLY | O_CLOEXEC);
	if (ns < 0)
		return img_fail_sys(err, "%s", path);
	snprintf(path, sizeof(path), "/proc/%d/ns/user", (int)pid);
	user = open(path, O_RDONLY | O_CLOEXEC);
	out = mmap(NULL, sizeof(*out), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (out == MAP_FAILED)
		return img_fail_nomem(err);
	out->ret = -1;
	/* As fork(2), but for the descriptors. */
	child = syscall(SYS_clone, CLONE_FILES | SIGCHLD, NULL, NULL, NULL, 0);
	if (child == 0) {
		if (enter(ns, user, copy, &out->err) == 0)
			out->ret = fn(arg, &out->err);
		_exit(0);
	}
	if (child < 0) {
		munmap(out, sizeof(*out));
		return img_fail_sys(err, "fork");
	}
	while (waitpid((pid_t)child, &status, 0) < 0 && errno == EINTR)
		;
	ret = out->ret;
	if (ret < 0 && out->err.code == IMG_OK)
		img_fail(err, IMG_SYS, "a helper was killed");
	else if (ret < 0 && err)
		*err = out->err;
	munmap(out, sizeof(*out));
	return ret;
}

static int open_root(void *unused, struct img_err *err)
{
	int fd = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);

	return fd < 0 ? img_fail_sys(err, "open the root") : fd;
}

int kern_mntns_root(pid_t pid, struct img_err *err)
{
	return kern_in_mntns(pid, 0, open_root, NULL, err);
}

int kern_open_in_root(int root_fd, const char *path, int flags)
{
	struct open_how how = { .flags = (unsigned)flags | O_CLOEXEC, .resolve = RESOLVE_IN_ROOT };

	return (int)syscall(SYS_openat2, root_fd, *path ? path : "/", &how, sizeof(how));
}
