/* engines/fd/pidfd/pidfd-restore.c -- how criu-restore rebuilds a pidfd.
 *
 * Descriptors are made when the whole tree exists, so a living process is simply opened. For one that was gone, a process is
 * made that ends at once; all pidfds with its inode are opened before it is waited for, so that they are of one process again.
 */

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "criu-restore/files.h"
#include "criu-restore/restore.h"
#include "criuimg/cleanup.h"

enum {
	OPEN_FLAGS = O_NONBLOCK | O_EXCL, /* PIDFD_NONBLOCK, PIDFD_THREAD */
};

static int pidfd_plan(struct restore *r, const struct restore_file *f, struct img_err *err)
{
	const PidfdEntry *pidfd = f->rec->pidfd;

	if (!pidfd)
		return img_fail(err, IMG_CORRUPT, "has no pidfd record");
	if (pidfd->nspid == -1)
		return 0;
	if (pidfd->nspid <= 0 || !restore_task_by_pid(r, pidfd->nspid))
		return img_fail(err, IMG_UNSUPPORTED, "is of process %d, which is not in the tree", pidfd->nspid);
	return 0;
}

/* Living processes have a group for each record. */
static uint64_t pidfd_group(const struct restore *r, const struct restore_file *f)
{
	const PidfdEntry *pidfd = f->rec->pidfd;

	return pidfd->nspid == -1 ? pidfd->ino : 1ull << 32 | f->id;
}

static int open_all(struct restore *r, pid_t pid, const struct restore_file *const *files, size_t nr, int *fds, struct img_err *err)
{
	for (size_t i = 0; i < nr; i++) {
		const PidfdEntry *pidfd = files[i]->rec->pidfd;
		cleanup_fd int fd = (int)syscall(SYS_pidfd_open, pid, pidfd->flags & OPEN_FLAGS);

		if (fd < 0)
			return img_fail_sys(err, "pidfd_open of %d", pid);
		if (restore_file_owner(r, fd, pidfd->fown, err) < 0)
			return -1;
		fds[i] = steal_fd(&fd);
	}
	return 0;
}

static int pidfd_make(struct restore *r, struct restore_task *t, const struct restore_file *const *files, size_t nr, int *fds,
	struct img_err *err)
{
	pid_t pid = files[0]->rec->pidfd->nspid;
	int ret;

	if (pid > 0)
		return open_all(r, pid, files, nr, fds, err);
	/* No exit signal: a SIGCHLD would stay pending in the restored task. */
	pid = (pid_t)syscall(SYS_clone, 0, NULL, NULL, NULL, 0);
	if (pid == 0)
		_exit(0);
	if (pid < 0)
		return img_fail_sys(err, "clone");
	ret = open_all(r, pid, files, nr, fds, err);
	while (waitpid(pid, NULL, __WALL) < 0 && errno == EINTR)
		;
	return ret;
}

const struct fd_restore_ops pidfd_restore_ops = {
	.name = "pidfd",
	.type = FD_TYPES__PIDFD,
	.plan = pidfd_plan,
	.group = pidfd_group,
	.make = pidfd_make,
};
