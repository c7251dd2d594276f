/* engines/fd/epoll/epoll-restore.c -- how criu-restore rebuilds an epoll descriptor: made empty, and told what to watch when all
 * descriptors are in place, other epolls among them. */

#include <limits.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "criu-restore/files.h"
#include "criu-restore/restore.h"
#include "criuimg/cleanup.h"

static int epoll_plan(struct restore *r, const struct restore_file *f, struct img_err *err)
{
	const EventpollFileEntry *epfd = f->rec->epfd;

	if (!epfd)
		return img_fail(err, IMG_CORRUPT, "has no epoll record");
	for (size_t i = 0; i < epfd->n_tfd; i++)
		if (epfd->tfd[i]->tfd > INT_MAX)
			return img_fail(err, IMG_CORRUPT, "watches %u, which is no descriptor", epfd->tfd[i]->tfd);
	return 0;
}

static int epoll_make(struct restore *r, struct restore_task *t, const struct restore_file *const *files, size_t nr, int *fds,
	struct img_err *err)
{
	const EventpollFileEntry *epfd = files[0]->rec->epfd;
	cleanup_fd int fd = epoll_create1(EPOLL_CLOEXEC);

	if (fd < 0)
		return img_fail_sys(err, "epoll_create1");
	if (restore_file_flags(fd, epfd->flags, err) < 0 || restore_file_owner(r, fd, epfd->fown, err) < 0)
		return -1;
	fds[0] = steal_fd(&fd);
	return 0;
}

static int epoll_finish(struct restore *r, struct restore_task *t, const struct restore_file *file, int fd, struct img_err *err)
{
	const EventpollFileEntry *epfd = file->rec->epfd;

	for (size_t i = 0; i < epfd->n_tfd; i++) {
		const EventpollTfdEntry *e = epfd->tfd[i];
		struct epoll_event event = { .events = e->events, .data.u64 = e->data };

		if (epoll_ctl(fd, EPOLL_CTL_ADD, (int)e->tfd, &event) < 0)
			return img_fail_sys(err, "watch fd %u for %#x", e->tfd, e->events);
	}
	return 0;
}

const struct fd_restore_ops epoll_restore_ops = {
	.name = "epoll",
	.type = FD_TYPES__EVENTPOLL,
	.plan = epoll_plan,
	.make = epoll_make,
	.finish = epoll_finish,
};
