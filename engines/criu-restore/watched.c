/* engines/criu-restore/watched.c -- inodes that inotify and fanotify are to watch again. */

#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "criu-restore/files-own.h"
#include "criu-restore/namespaces.h"
#include "criu-restore/watched.h"
#include "criuimg/cleanup.h"
#include "kernel/handle.h"
#include "kernel/ns.h"
#include "kernel/self.h"

static bool is_it(const FhEntry *fh, uint32_t sdev, uint64_t i_ino, uint32_t dev, uint64_t ino)
{
	return sdev == dev && i_ino == ino && !(fh && fh->path && fh->path[0]);
}

bool restore_is_watched(const struct restore *r, uint32_t dev, uint64_t ino)
{
	for (size_t i = 0; i < r->files->nr; i++) {
		const FileEntry *rec = r->files->files[i].pub.rec;

		for (size_t k = 0; rec->ify && k < rec->ify->n_wd; k++)
			if (is_it(rec->ify->wd[k]->f_handle, rec->ify->wd[k]->s_dev, rec->ify->wd[k]->i_ino, dev, ino))
				return true;
		for (size_t k = 0; rec->ffy && k < rec->ffy->n_mark; k++)
			if (rec->ffy->mark[k]->ie &&
				is_it(rec->ffy->mark[k]->ie->f_handle, rec->ffy->mark[k]->s_dev, rec->ffy->mark[k]->ie->i_ino, dev, ino))
				return true;
	}
	return false;
}

int restore_watched_plan(const FhEntry *fh, struct img_err *err)
{
	if (fh->path && fh->path[0])
		return 0;
	if (fh->bytes > KERN_HANDLE_MAX || fh->bytes > fh->n_handle * sizeof(*fh->handle))
		return img_fail(
			err, IMG_CORRUPT, "a file handle of %u bytes in %zu words", fh->bytes, fh->n_handle);
	return 0;
}

int restore_watched_open_path(struct restore *r, const struct restore_task *t, int mnt_id, const char *named, int *fd,
	char path[RESTORE_WATCHED_PATH], struct img_err *err)
{
	int root = restore_ns_root_for(r, t, mnt_id);

	*fd = root < 0 ? open(named, O_PATH | O_CLOEXEC) : kern_open_in_root(root, named, O_PATH);
	if (*fd < 0)
		return img_fail_sys(err, "watched '%s'", named);
	kern_self_path(path, RESTORE_WATCHED_PATH, "fd/%d", *fd);
	return 0;
}

int restore_watched_open(struct restore *r, const struct restore_task *t, const FhEntry *fh, uint32_t sdev, uint64_t ino, int *fd,
	char path[RESTORE_WATCHED_PATH], struct img_err *err)
{
	const char *named = fh->path && fh->path[0] ? fh->path : restore_ghost_path(r, sdev, ino);
	struct kern_handle handle = { .bytes = fh->bytes, .type = fh->type };

	if (named)
		return restore_watched_open_path(r, t, fh->has_mnt_id ? (int)fh->mnt_id : -1, named, fd, path, err);
	memcpy(handle.data, fh->handle, fh->bytes);
	*fd = kern_handle_open(kern_dev(sdev), &handle, O_PATH, err);
	if (*fd < 0)
		return -1;
	kern_self_path(path, RESTORE_WATCHED_PATH, "fd/%d", *fd);
	return 0;
}
