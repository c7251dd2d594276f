/* engines/kernel/sparse.c -- SEEK_DATA and SEEK_HOLE of lseek(2), and FS_IOC_FIEMAP (Documentation/filesystems/fiemap.rst). */

#include "kernel/sparse.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/types.h>
#include <unistd.h>
#include <linux/fiemap.h>
#include <linux/fs.h>

#include "criuimg/cleanup.h"

#define EXTENTS_AT_ONCE 512

typedef int (*stretch_fn)(void *arg, uint64_t start, uint64_t len, struct img_err *err);

static int by_seek(int fd, uint64_t size, stretch_fn fn, void *arg, struct img_err *err)
{
	uint64_t at = 0;

	while (at < size) {
		off_t data = lseek(fd, (off_t)at, SEEK_DATA);
		off_t hole;
		int ret;

		if (data < 0 && errno == ENXIO)
			return 0; /* no data from here on */
		if (data < 0 && errno == EINVAL)
			data = (off_t)at; /* a file system that cannot tell */
		if (data < 0)
			return img_fail_sys(err, "seek to data");
		if ((uint64_t)data >= size)
			return 0;
		hole = lseek(fd, data, SEEK_HOLE);
		if (hole < 0 && errno == EINVAL)
			hole = (off_t)size;
		if (hole < 0)
			return img_fail_sys(err, "seek to a hole");
		if (hole <= data)
			return img_fail(err, IMG_SYS, "the file shrinks while it is read");
		if ((uint64_t)hole > size)
			hole = (off_t)size;
		ret = fn(arg, (uint64_t)data, (uint64_t)(hole - data), err);
		if (ret)
			return ret;
		at = (uint64_t)hole;
	}
	return 0;
}

/* Stretches that touch are handed on as one: extents are a matter of the disk. */
struct joined {
	uint64_t start, end; /* not handed on yet; empty: start == end */
	stretch_fn fn;
	void *arg;
};

static int join(struct joined *j, uint64_t start, uint64_t end, struct img_err *err)
{
	int ret = 0;

	if (j->start != j->end && start == j->end) {
		j->end = end;
		return 0;
	}
	if (j->start != j->end)
		ret = j->fn(j->arg, j->start, j->end - j->start, err);
	j->start = start;
	j->end = end;
	return ret;
}

static int by_fiemap(int fd, uint64_t size, stretch_fn fn, void *arg, bool *none, struct img_err *err)
{
	struct joined j = { 0, 0, fn, arg };
	cleanup_free struct fiemap *map = calloc(1, sizeof(*map) + EXTENTS_AT_ONCE * sizeof(struct fiemap_extent));
	uint64_t at = 0;
	bool last = false;

	if (!map)
		return img_fail_nomem(err);
	while (!last && at < size) {
		map->fm_start = at;
		map->fm_length = size - at;
		map->fm_flags = FIEMAP_FLAG_SYNC;
		map->fm_extent_count = EXTENTS_AT_ONCE;
		if (ioctl(fd, FS_IOC_FIEMAP, map) < 0) {
			*none = at == 0 && (errno == EOPNOTSUPP || errno == ENOTTY || errno == EINVAL || errno == EBADR);
			return img_fail_sys(err, "fiemap");
		}
		if (!map->fm_mapped_extents)
			break;
		for (uint32_t i = 0; i < map->fm_mapped_extents; i++) {
			const struct fiemap_extent *e = &map->fm_extents[i];
			uint64_t start = e->fe_logical, end = start + e->fe_length;
			int ret;

			last = e->fe_flags & FIEMAP_EXTENT_LAST;
			if (end <= at)
				return img_fail(err, IMG_SYS, "fiemap goes backwards");
			at = end;
			if (e->fe_flags & FIEMAP_EXTENT_UNWRITTEN || start >= size)
				continue;
			ret = join(&j, start, end < size ? end : size, err);
			if (ret)
				return ret;
		}
	}
	return join(&j, 0, 0, err);
}

int kern_file_data(int fd, uint64_t size, bool fiemap, stretch_fn fn, void *arg, struct img_err *err)
{
	if (fiemap) {
		bool none = false;
		int ret = by_fiemap(fd, size, fn, arg, &none, err);

		if (!none)
			return ret;
	}
	return by_seek(fd, size, fn, arg, err);
}

bool kern_file_has_hole(int fd, uint64_t size)
{
	off_t hole;

	if (!size)
		return false;
	hole = lseek(fd, 0, SEEK_HOLE);
	return hole >= 0 && (uint64_t)hole < size;
}
