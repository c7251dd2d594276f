/* kernel/ns.c -- doing something inside another mount namespace. */

#include "kernel/ns.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sched.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "criuimg/cleanup.h"
#include "kernel/getfd.h"

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

/* In the child: it stays until its parent has taken what it has opened. A true fork(2), which leaves no lock of the library behind that a
 * thread of ours holds at this moment. */
static void child_main(int ns, int user, int copy, int (*fn)(void *arg, struct img_err *err), void *arg, int sock, struct outcome *out)
{
	char c = 0;

	if (enter(ns, user, copy, &out->err) == 0)
		out->ret = fn(arg, &out->err);
	if (write(sock, &c, 1) == 1)
		while (read(sock, &c, 1) < 0 && errno == EINTR)
			;
	_exit(0);
}

static int take(pid_t child, int sock, const struct outcome *out, struct img_err *err)
{
	cleanup_fd int pidfd = -1;
	char c;

	while (read(sock, &c, 1) < 0)
		if (errno != EINTR)
			return img_fail_sys(err, "a helper");
	if (out->ret < 0) {
		*err = out->err;
		return err->code == IMG_OK ? img_fail(err, IMG_SYS, "a helper was killed") : -1;
	}
	pidfd = (int)syscall(SYS_pidfd_open, child, 0);
	return pidfd < 0 ? img_fail_sys(err, "pidfd_open") : kern_getfd(pidfd, out->ret, err);
}

int kern_in_mntns(pid_t pid, int copy, int (*fn)(void *arg, struct img_err *err), void *arg, struct img_err *err)
{
	cleanup_fd int ns = -1, user = -1;
	struct img_err why = IMG_ERR_INIT;
	struct outcome *out;
	int socks[2], ret;
	char path[32];
	pid_t child;

	snprintf(path, sizeof(path), "/proc/%d/ns/mnt", (int)pid);
	ns = open(path, O_RDONLY | O_CLOEXEC);
	if (ns < 0)
		return img_fail_sys(err, "%s", path);
	snprintf(path, sizeof(path), "/proc/%d/ns/user", (int)pid);
	user = open(path, O_RDONLY | O_CLOEXEC);
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, socks) < 0)
		return img_fail_sys(err, "socketpair");
	out = mmap(NULL, sizeof(*out), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	child = -1;
	if (out != MAP_FAILED) {
		*out = (struct outcome){ .ret = -1 };
		child = fork();
	}
	if (child == 0) {
		close(socks[0]);
		child_main(ns, user, copy, fn, arg, socks[1], out);
	}
	close(socks[1]);
	ret = child < 0 ? img_fail_sys(&why, "fork") : take(child, socks[0], out, &why);
	close(socks[0]);
	while (child > 0 && waitpid(child, NULL, 0) < 0 && errno == EINTR)
		;
	if (out != MAP_FAILED)
		munmap(out, sizeof(*out));
	if (ret < 0 && err)
		*err = why;
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
