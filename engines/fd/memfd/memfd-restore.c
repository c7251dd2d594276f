/* engines/fd/memfd/memfd-restore.c -- how criu-restore opens memfds again: their files were made at the
 * start (mem/shmem/).
 *
 * The description that memfd_create(2) makes differs from one that open(2) makes: for writing as it is, it
 * does not stop the file from being executed. So the first description of the image that reads and writes
 * is that one, and so are mappings made through such; the others are opened.
 */

#include <fcntl.h>
#include <unistd.h>

#include "criu-restore/files.h"
#include "criu-restore/mem.h"
#include "criuimg/cleanup.h"

static int memfd_plan(struct restore *r, const struct restore_file *f, struct img_err *err)
{
	const MemfdFileEntry *memfd = f->rec->memfd;
	struct restore_memfd *file;

	if (!memfd)
		return img_fail(err, IMG_CORRUPT, "has no memfd record");
	if (memfd->id != f->id)
		return img_fail(err, IMG_CORRUPT, "calls itself %#x", memfd->id);
	if (restore_memfds_read(r, err) < 0)
		return -1;
	file = restore_memfd_find(r, memfd->inode_id);
	if (!file)
		return img_fail(err, IMG_CORRUPT, "its file %u is not in memfd.img", memfd->inode_id);
	if ((memfd->flags & O_ACCMODE) == O_RDWR && !file->first_id)
		file->first_id = f->id;
	return 0;
}

static int memfd_make(struct restore *r, struct restore_task *t, const struct restore_file *const *files,
	size_t nr, int *fds, struct img_err *err)
{
	const MemfdFileEntry *memfd = files[0]->rec->memfd;
	cleanup_fd int fd = -1;

	bool first = restore_memfd_find(r, memfd->inode_id)->first_id == files[0]->id;

	if (restore_memfd_open(r, memfd->inode_id, (int)memfd->flags, first, &fd, err) < 0)
		return -1;
	if (memfd->pos && lseek(fd, (off_t)memfd->pos, SEEK_SET) < 0)
		return img_fail_sys(err, "seek to %llu", (unsigned long long)memfd->pos);
	if (restore_file_flags(fd, memfd->flags, err) < 0 || restore_file_owner(r, fd, memfd->fown, err) < 0)
		return -1;
	fds[0] = steal_fd(&fd);
	return 0;
}

static int memfd_open(struct restore *r, struct restore_task *t, const struct restore_file *f, int flags,
	int *fd, struct img_err *err)
{
	const MemfdFileEntry *memfd = f->rec->memfd;

	if (flags < 0)
		flags = (int)memfd->flags;
	return restore_memfd_open(r, memfd->inode_id, flags, (flags & O_ACCMODE) == O_RDWR, fd, err);
}

static const FownEntry *memfd_owner(const struct restore *r, const struct restore_file *f)
{
	return f->rec->memfd->fown;
}

const struct fd_restore_ops memfd_restore_ops = {
	.name = "memfd",
	.type = FD_TYPES__MEMFD,
	.plan = memfd_plan,
	.make = memfd_make,
	.owner = memfd_owner,
	.open = memfd_open,
};
