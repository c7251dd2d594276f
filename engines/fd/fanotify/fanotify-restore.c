/* engines/fd/fanotify/fanotify-restore.c -- how criu-restore rebuilds a fanotify descriptor and its marks. */

#include <fcntl.h>
#include <sys/fanotify.h>
#include <unistd.h>

#include "criu-restore/files.h"
#include "criu-restore/namespaces.h"
#include "criu-restore/watched.h"
#include "criuimg/cleanup.h"

/* Some images say of a mount of the tree only which one it is. */
static const char *mount_path(const struct restore *r, const FanotifyMountMarkEntry *me)
{
	return me->path && me->path[0] ? me->path : restore_ns_mountpoint(r, (int)me->mnt_id);
}

static int fanotify_plan(struct restore *r, const struct restore_file *f, struct img_err *err)
{
	const FanotifyFileEntry *ffy = f->rec->ffy;

	if (!ffy)
		return img_fail(err, IMG_CORRUPT, "has no fanotify record");
	for (size_t i = 0; i < ffy->n_mark; i++) {
		const FanotifyMarkEntry *mark = ffy->mark[i];

		if (mark->type == MARK_TYPE__INODE ? !mark->ie : !mark->me || !mount_path(r, mark->me))
			return img_fail(err, IMG_CORRUPT, "mark %zu does not say of what", i);
		if (mark->ie && restore_watched_plan(mark->ie->f_handle, err) < 0)
			return img_wrap(err, "mark %zu", i);
	}
	return 0;
}

static int set_mark(int fd, unsigned flags, const FanotifyMarkEntry *mark, const char *path, struct img_err *err)
{
	if (mark->mask && fanotify_mark(fd, FAN_MARK_ADD | flags, mark->mask, AT_FDCWD, path) < 0)
		return img_fail_sys(err, "fanotify_mark of mask %#x", mark->mask);
	if (mark->ignored_mask &&
		fanotify_mark(fd, FAN_MARK_ADD | FAN_MARK_IGNORED_MASK | flags | mark->mflags, mark->ignored_mask, AT_FDCWD, path) < 0)
		return img_fail_sys(err, "fanotify_mark of ignored mask %#x", mark->ignored_mask);
	return 0;
}

static int mark_one(struct restore *r, const struct restore_task *t, int fd, const FanotifyMarkEntry *mark, struct img_err *err)
{
	char path[RESTORE_WATCHED_PATH];
	cleanup_fd int file = -1;

	if (mark->type == MARK_TYPE__MOUNT) {
		if (restore_watched_open_path(r, t, (int)mark->me->mnt_id, mount_path(r, mark->me), &file, path, err) < 0)
			return -1;
		return set_mark(fd, FAN_MARK_MOUNT, mark, path, err);
	}
	if (restore_watched_open(r, t, mark->ie->f_handle, mark->s_dev, mark->ie->i_ino, &file, path, err) < 0)
		return -1;
	return set_mark(fd, 0, mark, path, err);
}

static int fanotify_make(struct restore *r, struct restore_task *t, const struct restore_file *const *files, size_t nr, int *fds,
	struct img_err *err)
{
	const FanotifyFileEntry *ffy = files[0]->rec->ffy;
	cleanup_fd int fd = fanotify_init(ffy->faflags, ffy->evflags);

	if (fd < 0)
		return img_fail_sys(err, "fanotify_init(%#x, %#x)", ffy->faflags, ffy->evflags);
	for (size_t i = 0; i < ffy->n_mark; i++)
		if (mark_one(r, t, fd, ffy->mark[i], err) < 0)
			return img_wrap(err, "mark %zu", i);
	if (restore_file_flags(fd, ffy->flags, err) < 0 || restore_file_owner(r, fd, ffy->fown, err) < 0)
		return -1;
	fds[0] = steal_fd(&fd);
	return 0;
}

const struct fd_restore_ops fanotify_restore_ops = {
	.name = "fanotify",
	.type = FD_TYPES__FANOTIFY,
	.plan = fanotify_plan,
	.make = fanotify_make,
};
