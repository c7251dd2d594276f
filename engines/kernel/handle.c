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
static int open_mount(const char *line, dev_t dev)
{
	cleanup_fd int fd = -1;
	unsigned maj, min;
	char point[4096];
	struct stat st;

	if (sscanf(line, "%*d %*d %u:%u %*s %4095s", &maj, &min, point) != 3 || makedev(maj, min) != dev)
		return -1;
	fd = open(point, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd < 0 || fstat(fd, &st) < 0 || st.st_dev != dev)
		return -1;
	return steal_fd(&fd);
}

int kern_handle_open(dev_t dev, const struct kern_handle *handle, int flags, struct img_err *err)
{
	cleanup_file FILE *f = fopen("/proc/self/mountinfo", "re");
	cleanup_free struct file_handle *fh = calloc(1, sizeof(*fh) + KERN_HANDLE_MAX);
	cleanup_free char *line = NULL;
	size_t room = 0;

	if (!fh)
		return img_fail_nomem(err);
	if (!f)
		return img_fail_sys(err, "/proc/self/mountinfo");
	fh->handle_bytes = handle->bytes;
	fh->handle_type = (int)handle->type;
	memcpy(fh->f_handle, handle->data, handle->bytes);
	errno = ENODEV;
	while (getline(&line, &room, f) > 0) {
		cleanup_fd int mount = open_mount(line, dev);
		int fd;

		if (mount < 0)
			continue;
		fd = open_by_handle_at(mount, fh, flags | O_CLOEXEC);
		if (fd >= 0)
			return fd;
	}
	return img_fail_sys(err, "open by handle on device %u:%u", major(dev), minor(dev));
}
