/* engines/criu-dump/watched.c -- inodes that inotify and fanotify watch. */

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "criu-dump/dump.h"
#include "criu-dump/mounts.h"
#include "criu-dump/watched.h"
#include "criuimg/cleanup.h"
#include "kernel/handle.h"

/* Of the images: a handle has this many words at least, the rest zeros. */
enum {
	HANDLE_WORDS = FH_ENTRY_SIZES__min_entries,
};

/* The path of an opened file, seen to lead to it. */
static int path_of(struct dump *d, int fd, uint64_t ino, char *path, size_t size, struct img_err *err)
{
	struct stat opened, named;
	struct dump_mntns *m;
	char link[64];
	ssize_t len;

	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	len = readlink(link, path, size - 1);
	if (len < 0 || fstat(fd, &opened) < 0)
		return img_fail_sys(err, "watched inode %" PRIu64, ino);
	path[len] = '\0';
	if (!opened.st_nlink)
		return img_fail(err, IMG_UNSUPPORTED, "it watches a deleted file, '%s'", path);
	if (dump_mntns_of(d, NULL, dump_mnt_id(fd), &m, err) < 0)
		return -1;
	if (dump_path_stat(m, path, &named) < 0 || named.st_ino != opened.st_ino || named.st_dev != opened.st_dev)
		return img_fail(err, IMG_UNSUPPORTED, "it watches inode %" PRIu64 ", which has no path here ('%s')", ino, path);
	return 0;
}

int dump_watched(struct dump *d, const char *line, uint32_t sdev, uint64_t ino, FhEntry **out, struct img_err *err)
{
	struct kern_handle handle;
	cleanup_fd int fd = -1;
	char path[4096];
	FhEntry *fh;

	if (kern_handle_parse(line, &handle, err) < 0)
		return -1;
	fd = kern_handle_open(kern_dev(sdev), &handle, O_PATH, err);
	if (fd < 0) {
		err->code = IMG_UNSUPPORTED;
		return img_wrap(err, "it watches inode %" PRIu64 ", which cannot be found", ino);
	}
	if (path_of(d, fd, ino, path, sizeof(path), err) < 0)
		return -1;

	fh = img_arena_message(&d->arena, FhEntry, fh_entry);
	if (!fh || !(fh->handle = img_arena_array(&d->arena, HANDLE_WORDS, sizeof(*fh->handle))))
		return img_fail_nomem(err);
	fh->bytes = handle.bytes;
	fh->type = handle.type;
	fh->n_handle = HANDLE_WORDS;
	memcpy(fh->handle, handle.data, sizeof(handle.data));
	fh->path = img_arena_strdup(&d->arena, path);
	if (!fh->path)
		return img_fail_nomem(err);
	*out = fh;
	return 0;
}
