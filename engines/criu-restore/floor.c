/* engines/criu-restore/floor.c -- keeping our descriptors out of the way of the tasks'.
 *
 * A task is put together in a process that has descriptors of its own, and the kernel gives the lowest free
 * number to whoever opens something. With every number of the image taken from the start, no open(2) of ours,
 * in any process, ever gets one of them; a task's own descriptor is put over the filler with dup2(2). Costs
 * one dup2 a descriptor of the image.
 */

#include <errno.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "criu-restore/floor.h"
#include "criu-restore/inherit.h"
#include "criuimg/cleanup.h"

static bool is_open(int fd)
{
	return fcntl(fd, F_GETFD) >= 0 || errno != EBADF;
}

static int fill(struct restore *r, int filler, struct img_err *err)
{
	for (size_t i = 0; i < r->nr_fdtables; i++)
		for (size_t k = 0; k < r->fdtables[i].nr_fds; k++) {
			int fd = r->fdtables[i].fds[k]->fd;

			if (fd <= STDERR_FILENO || is_open(fd))
				continue;
			if (dup3(filler, fd, O_CLOEXEC) < 0)
				return img_fail_sys(err, "descriptor %d of the image (limit NOFILE)", fd);
		}
	return 0;
}

/* What the caller handed over: the same descriptor may have been named twice. */
static int move_inherited(struct restore *r, int filler, struct img_err *err)
{
	for (size_t i = 0; i < r->nr_inherited; i++) {
		int to = fcntl(r->inherited[i].fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);

		if (to < 0)
			return img_fail_sys(err, "descriptor %d of --inherit-fd", r->inherited[i].fd);
		r->inherited[i].given = r->inherited[i].fd;
		r->inherited[i].fd = to;
	}
	for (size_t i = 0; i < r->nr_inherited; i++)
		if (r->inherited[i].given > STDERR_FILENO && dup3(filler, r->inherited[i].given, O_CLOEXEC) < 0)
			return img_fail_sys(err, "descriptor %d of --inherit-fd", r->inherited[i].given);
	return 0;
}

/* All numbers of the image are taken now, so the lowest free one is not among them. */
static int move(int *fd, int filler, struct img_err *err)
{
	int to;

	if (*fd < 0)
		return 0;
	to = fcntl(*fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
	if (to < 0 || dup3(filler, *fd, O_CLOEXEC) < 0)
		return img_fail_sys(err, "descriptors of our own");
	*fd = to;
	return 0;
}

int restore_floor(struct restore *r, int *images_dirfd, struct img_err *err)
{
	cleanup_fd int filler = open("/", O_PATH | O_CLOEXEC);
	struct rlimit nofile;

	if (filler < 0)
		return img_fail_sys(err, "open /");
	/* What the tasks may have is their own limits' business. */
	if (getrlimit(RLIMIT_NOFILE, &nofile) == 0) {
		nofile.rlim_cur = nofile.rlim_max;
		setrlimit(RLIMIT_NOFILE, &nofile);
	}
	if (restore_inherit_read(r, err) < 0 || fill(r, filler, err) < 0 || move_inherited(r, filler, err) < 0 ||
		move(&r->log->fd, filler, err) < 0 || move(images_dirfd, filler, err) < 0)
		return -1;
	if (r->work_dirfd >= 0 && move(&r->work_dirfd, filler, err) < 0)
		return -1;
	for (size_t i = 0; i < r->nr_earlier; i++)
		if (move(&r->earlier[i], filler, err) < 0)
			return -1;
	if (move(&r->archive_fd, filler, err) < 0 || move(&r->stream_fd, filler, err) < 0)
		return -1;
	/* It stays: its own number may be one of the image's. */
	steal_fd(&filler);
	return 0;
}
