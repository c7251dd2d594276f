/* engines/kernel/handle.c -- file handles. */

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "criuimg/cleanup.h"
#include "kernel/handle.h"
#include "kernel/mountinfo.h"
#include "kernel/ns.h"

int kern_handle_parse(const char *line, struct kern_handle *handle, struct img_err *err)
{
	const char *at = strstr(line, "fhandle-bytes:");
	int used = 0;

	if (!at || sscanf(at, "fhandle-bytes:%x fhandle-type:%x f_handle:%n", &handle->bytes, &handle->type, &used) != 2 || !used)
		return img_fail(err, IMG_UNSUPPORTED, "fdinfo shows no file handle: '%s'", line);
	if (handle->bytes > KERN_HANDLE_MAX)
		return img_fail(err, IMG_UNSUPPORTED, "a file handle of %u bytes", handle->bytes);
	at += used;
	memset(handle->data, 0, sizeof(handle->data));
	for (uint32_t i = 0; i < handle->bytes; i++, at += 2) {
		unsigned byte;

		if (sscanf(at, "%2x", &byte) != 1)
			return img_fail(err, IMG_UNSUPPORTED, "a file handle that is cut: '%s'", line);
		handle->data[i] = (unsigned char)byte;
	}
	return 0;
}

dev_t kern_dev(uint32_t sdev)
{
	return makedev(sdev >> 20, sdev & 0xfffff);
}

/* A descriptor of any place on the file system: what open_by_handle_at(2) wants to know it by. A mount point may be hidden
 * by another mount, so what is opened is looked at. */
static int open_mount(int root_fd, const struct kern_mount *m, dev_t dev)
{
	const int flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY;
	cleanup_fd int fd = -1;
	struct stat st;

	if (makedev(m->major, m->minor) != dev)
		return -1;
	fd = root_fd < 0 ? open(m->mountpoint, flags) : kern_open_in_root(root_fd, m->mountpoint, flags);
	if (fd < 0 || fstat(fd, &st) < 0 || st.st_dev != dev)
		return -1;
	return steal_fd(&fd);
}

int kern_handle_open_in(const struct kern_mounts *mounts, int root_fd, dev_t dev, const struct kern_handle *handle, int flags,
	struct img_err *err)
{
	cleanup_free struct file_handle *fh = calloc(1, sizeof(*fh) + KERN_HANDLE_MAX);

	if (!fh)
		return img_fail_nomem(err);
	fh->handle_bytes = handle->bytes;
	fh->handle_type = (int)handle->type;
	memcpy(fh->f_handle, handle->data, handle->bytes);
	errno = ENODEV;
	for (size_t i = 0; i < mounts->nr; i++) {
		cleanup_fd int mount = open_mount(root_fd, &mounts->items[i], dev);
		int fd;

		if (mount < 0)
			continue;
		fd = open_by_handle_at(mount, fh, flags | O_CLOEXEC);
		if (fd >= 0)
			return fd;
	}
	return img_fail_sys(err, "open by handle on device %u:%u", major(dev), minor(dev));
}

int kern_handle_open(dev_t dev, const struct kern_handle *handle, int flags, struct img_err *err)
{
	struct kern_mounts mounts = KERN_MOUNTS_INIT;
	int fd = -1;

	if (kern_mounts_read(0, &mounts, err) == 0)
		fd = kern_handle_open_in(&mounts, -1, dev, handle, flags, err);
	kern_mounts_free(&mounts);
	return fd;
}
