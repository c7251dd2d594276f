/* engines/fd/inotify/inotify-restore.c -- how criu-restore rebuilds an inotify descriptor: the same watches under the same
 * numbers. */

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "criu-restore/files.h"
#include "criu-restore/watched.h"
#include "criuimg/cleanup.h"

#ifndef INOTIFY_IOC_SETNEXTWD
#define INOTIFY_IOC_SETNEXTWD _IOW('I', 0, int32_t) /* include/uapi/linux/inotify.h, Linux 4.18 */
#endif

static int inotify_plan(struct restore *r, const struct restore_file *f, struct img_err *err)
{
	const InotifyFileEntry *ify = f->rec->ify;

	if (!ify)
		return img_fail(err, IMG_CORRUPT, "has no inotify record");
	for (size_t i = 0; i < ify->n_wd; i++) {
		if (!ify->wd[i]->wd || ify->wd[i]->wd > INT_MAX)
			return img_fail(err, IMG_CORRUPT, "watch %u is no watch", ify->wd[i]->wd);
		if (restore_watched_plan(ify->wd[i]->f_handle, err) < 0)
			return img_wrap(err, "watch %u", ify->wd[i]->wd);
	}
	return 0;
}

/* Numbers are given out one after the other; a kernel that cannot be told the next one is led to it. */
static int add_watch(int fd, const char *path, uint32_t mask, int wanted)
{
	int32_t next = wanted;
	int wd, last = 0;

	if (ioctl(fd, INOTIFY_IOC_SETNEXTWD, next) == 0)
		return inotify_add_watch(fd, path, mask);
	for (;;) {
		wd = inotify_add_watch(fd, path, mask);
		if (wd < 0 || wd == wanted || wd <= last)
			return wd;
		inotify_rm_watch(fd, wd);
		last = wd;
	}
}

static int watch(struct restore *r, const struct restore_task *t, int fd, const InotifyWdEntry *wd, struct img_err *err)
{
	char path[RESTORE_WATCHED_PATH];
	cleanup_fd int file = -1;
	int got;

	if (restore_watched_open(r, t, wd->f_handle, wd->s_dev, wd->i_ino, &file, path, err) < 0)
		return -1;
	got = add_watch(fd, path, wd->mask, (int)wd->wd);
	if (got < 0)
		return img_fail_sys(err, "inotify_add_watch");
	if (got != (int)wd->wd)
		return img_fail(err, IMG_SYS, "the kernel gave it number %d", got);
	return 0;
}

/* Leading the kernel to a number leaves events behind. */
static void drain(int fd)
{
	char events[4096];

	while (read(fd, events, sizeof(events)) > 0)
		;
}

static int by_number(const void *a, const void *b)
{
	const InotifyWdEntry *const *x = a, *const *y = b;

	return (*x)->wd < (*y)->wd ? -1 : (*x)->wd > (*y)->wd;
}

/* In the order of their numbers (the kernel shows the last one first): the next one that is given out comes after them all. */
static int watch_all(struct restore *r, const struct restore_task *t, int fd, const InotifyFileEntry *ify, struct img_err *err)
{
	cleanup_free InotifyWdEntry **wds = calloc(ify->n_wd + 1, sizeof(*wds));

	if (!wds)
		return img_fail_nomem(err);
	memcpy(wds, ify->wd, ify->n_wd * sizeof(*wds));
	qsort(wds, ify->n_wd, sizeof(*wds), by_number);
	for (size_t i = 0; i < ify->n_wd; i++)
		if (watch(r, t, fd, wds[i], err) < 0)
			return img_wrap(err, "watch %u", wds[i]->wd);
	return 0;
}

static int inotify_make(struct restore *r, struct restore_task *t, const struct restore_file *const *files, size_t nr, int *fds,
	struct img_err *err)
{
	const InotifyFileEntry *ify = files[0]->rec->ify;
	cleanup_fd int fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);

	if (fd < 0)
		return img_fail_sys(err, "inotify_init1");
	if (watch_all(r, t, fd, ify, err) < 0)
		return -1;
	drain(fd);
	if (restore_file_flags(fd, ify->flags, err) < 0 || restore_file_owner(r, fd, ify->fown, err) < 0)
		return -1;
	fds[0] = steal_fd(&fd);
	return 0;
}

static const FownEntry *inotify_owner(const struct restore *r, const struct restore_file *f)
{
	return f->rec->ify->fown;
}

const struct fd_restore_ops inotify_restore_ops = {
	.name = "inotify",
	.type = FD_TYPES__INOTIFY,
	.plan = inotify_plan,
	.make = inotify_make,
	.owner = inotify_owner,
};
