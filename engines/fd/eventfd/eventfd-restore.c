/* engines/fd/eventfd/eventfd-restore.c -- how criu-restore rebuilds an eventfd. */

#include <sys/eventfd.h>
#include <unistd.h>

#include "criu-restore/files.h"
#include "criuimg/cleanup.h"

static int eventfd_plan(struct restore *r, const struct restore_file *f, struct img_err *err)
{
	if (!f->rec->efd)
		return img_fail(err, IMG_CORRUPT, "has no eventfd record");
	if (f->rec->efd->counter == UINT64_MAX)
		return img_fail(err, IMG_CORRUPT, "an eventfd cannot count to 2^64 - 1");
	return 0;
}

static int eventfd_make(struct restore *r, struct restore_task *t, const struct restore_file *const *files, size_t nr, int *fds,
	struct img_err *err)
{
	const EventfdFileEntry *efd = files[0]->rec->efd;
	uint64_t count = efd->counter;
	cleanup_fd int fd = eventfd(0, EFD_CLOEXEC | (efd->has_semaphore && efd->semaphore ? EFD_SEMAPHORE : 0));

	if (fd < 0)
		return img_fail_sys(err, "eventfd");
	/* The count has 64 bits and eventfd(2) takes 32 of them: it is written. */
	if (count && write(fd, &count, sizeof(count)) < 0)
		return img_fail_sys(err, "count %llu", (unsigned long long)count);
	if (restore_file_flags(fd, efd->flags, err) < 0 || restore_file_owner(r, fd, efd->fown, err) < 0)
		return -1;
	fds[0] = steal_fd(&fd);
	return 0;
}

const struct fd_restore_ops eventfd_restore_ops = {
	.name = "eventfd",
	.type = FD_TYPES__EVENTFD,
	.plan = eventfd_plan,
	.make = eventfd_make,
};
