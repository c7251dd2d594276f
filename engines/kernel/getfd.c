/* engines/kernel/getfd.c -- pidfd_getfd(2) and kcmp(2). */

#include "kernel/getfd.h"

#include <errno.h>
#include <linux/kcmp.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <unistd.h>

int kern_getfd(int pidfd, int fd, struct img_err *err)
{
	int got = (int)syscall(SYS_pidfd_getfd, pidfd, fd, 0);

	if (got < 0)
		return img_fail_sys(err, "pidfd_getfd %d", fd);
	return got;
}

int kern_kcmp_file(pid_t pid1, int fd1, pid_t pid2, int fd2, struct img_err *err)
{
	int ret = (int)syscall(SYS_kcmp, pid1, pid2, KCMP_FILE, fd1, fd2);

	if (ret < 0)
		return img_fail_sys(err, "kcmp: fd %d of pid %d, fd %d of pid %d", fd1, (int)pid1, fd2, (int)pid2);
	if (ret == 3)
		return img_fail(err, IMG_UNSUPPORTED, "kcmp: fd %d and fd %d differ without an order", fd1, fd2);
	return ret;
}

int kern_kcmp_epoll(pid_t pid, int fd, pid_t epoll_pid, int epfd, int tfd, unsigned nth, struct img_err *err)
{
	struct kcmp_epoll_slot slot = { .efd = (uint32_t)epfd, .tfd = (uint32_t)tfd, .toff = nth };
	int ret = (int)syscall(SYS_kcmp, pid, epoll_pid, KCMP_EPOLL_TFD, fd, &slot);

	if (ret < 0 && errno == EBADF)
		return 0; /* there is no such descriptor */
	if (ret < 0)
		return img_fail_sys(err, "kcmp: epoll fd %d of pid %d, watch %d", epfd, (int)epoll_pid, tfd);
	return ret == 0;
}
