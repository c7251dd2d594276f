/* engines/criu-restore/watched.c -- inodes that inotify and fanotify are to watch again. */

#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "criu-restore/watched.h"
#include "criuimg/cleanup.h"
#include "kernel/handle.h"

int restore_watched_plan(const FhEntry *fh, struct img_err *err)
{
	if (fh->path && fh->path[0])
		return 0;
	if (fh->bytes > KERN_HANDLE_MAX || fh->bytes > fh->n_handle * sizeof(*fh->handle))
		return img_fail(
			err, IMG_CORRUPT, "a file handle of %u bytes in %zu words", fh->bytes, fh->n_handle);
	return 0;
}

int restore_watched_open(
	const FhEntry *fh, uint32_t sdev, int *fd, char path[RESTORE_WATCHED_PATH], struct img_err *err)
{
	struct kern_handle handle = { .bytes = fh->bytes, .type = fh->type };

	if (fh->path && fh->path[0]) {
		*fd = open(fh->path, O_PATH | O_CLOEXEC);
		if (*fd < 0)
			return img_fail_sys(err, "watched '%s'", fh->path);
	} else {
		memcpy(handle.data, fh->handle, fh->bytes);
		*fd = kern_handle_open(kern_dev(sdev), &handle, O_PATH, err);
		if (*fd < 0)
			return -1;
	}
	snprintf(path, RESTORE_WATCHED_PATH, "/proc/self/fd/%d", *fd);
	return 0;
}
