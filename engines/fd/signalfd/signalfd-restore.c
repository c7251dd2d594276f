/* engines/fd/signalfd/signalfd-restore.c -- how criu-restore rebuilds a signalfd. */

#include <sys/syscall.h>
#include <unistd.h>

#include "criu-restore/files.h"
#include "criuimg/cleanup.h"

static int signalfd_plan(struct restore *r, const struct restore_file *f, struct img_err *err)
{
	return f->rec->sgfd ? 0 : img_fail(err, IMG_CORRUPT, "has no signalfd record");
}

static int signalfd_make(struct restore *r, struct restore_task *t, const struct restore_file *const *files, size_t nr, int *fds,
	struct img_err *err)
{
	const SignalfdEntry *sgfd = files[0]->rec->sgfd;
	uint64_t mask = sgfd->sigmask; /* the kernel's own form, signals 32 and 33 included: not by way of sigset_t */
	cleanup_fd int fd = (int)syscall(SYS_signalfd4, -1, &mask, sizeof(mask), 0);

	if (fd < 0)
		return img_fail_sys(err, "signalfd");
	if (restore_file_flags(fd, sgfd->flags, err) < 0 || restore_file_owner(r, fd, sgfd->fown, err) < 0)
		return -1;
	fds[0] = steal_fd(&fd);
	return 0;
}

const struct fd_restore_ops signalfd_restore_ops = {
	.name = "signalfd",
	.type = FD_TYPES__SIGNALFD,
	.plan = signalfd_plan,
	.make = signalfd_make,
};
