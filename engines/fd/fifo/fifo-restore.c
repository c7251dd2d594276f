/* engines/fd/fifo/fifo-restore.c -- how criu-restore rebuilds what has a fifo open.
 *
 * Opening a fifo waits for the other side, and a side that opens it in vain fails. So it is opened for both first; that
 * descriptor takes the content in, and is closed when all that belong to the image are there.
 */

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "criu-restore/files.h"
#include "criu-restore/restore.h"
#include "criuimg/cleanup.h"

static const RegFileEntry *file_of(const struct restore *r, const struct restore_file *f)
{
	const struct restore_file *reg = f->rec->fifo->has_regf_id ? restore_find_file(r, f->rec->fifo->regf_id) : NULL;

	return reg && reg->rec->type == FD_TYPES__REG ? reg->rec->reg : NULL; /* NULL too where that is missing */
}

static int fifo_plan(struct restore *r, const struct restore_file *f, struct img_err *err)
{
	const RegFileEntry *reg;

	if (!f->rec->fifo)
		return img_fail(err, IMG_CORRUPT, "has no fifo record");
	if (f->rec->fifo->id != f->id)
		return img_fail(err, IMG_CORRUPT, "calls itself %#x", f->rec->fifo->id);
	reg = file_of(r, f);
	if (!reg)
		return img_fail(err, IMG_CORRUPT, "has no record of a file (%#x)", f->rec->fifo->regf_id);
	if (reg->has_mode && !S_ISFIFO(reg->mode))
		return img_fail(err, IMG_CORRUPT, "its file '%s' has mode %#o", reg->name, reg->mode);
	return 0;
}

static uint64_t fifo_group(const struct restore *r, const struct restore_file *f)
{
	return f->rec->fifo->pipe_id;
}

static int open_one(struct restore *r, struct restore_task *t, const RegFileEntry *reg, struct img_err *err)
{
	/* open(2) does not take O_DIRECT for a fifo, fcntl(2) does. */
	cleanup_fd int fd = restore_open_named(r, t, reg, (int)((reg->flags & ~(uint32_t)O_DIRECT) | O_NONBLOCK), err);

	if (fd < 0 || restore_file_flags(fd, reg->flags, err) < 0 || restore_file_owner(r, fd, reg->fown, err) < 0)
		return -1;
	return steal_fd(&fd);
}

static int fifo_make(struct restore *r, struct restore_task *t, const struct restore_file *const *files, size_t nr, int *fds,
	struct img_err *err)
{
	const RegFileEntry *first = file_of(r, files[0]);
	cleanup_fd int both = restore_open_named(r, t, first, O_RDWR | O_NONBLOCK, err);

	if (both < 0)
		return -1;
	if (restore_fill_pipe(r, restore_find_pipe_data(r, IMG_FIFO_DATA, files[0]->rec->fifo->pipe_id), both, err) < 0)
		return img_wrap(err, "'%s'", first->name);
	for (size_t i = 0; i < nr; i++) {
		fds[i] = open_one(r, t, file_of(r, files[i]), err);
		if (fds[i] < 0)
			return -1;
	}
	return 0;
}

static const FownEntry *fifo_owner(const struct restore *r, const struct restore_file *f)
{
	return file_of(r, f)->fown;
}

const struct fd_restore_ops fifo_restore_ops = {
	.name = "fifo",
	.type = FD_TYPES__FIFO,
	.plan = fifo_plan,
	.group = fifo_group,
	.make = fifo_make,
	.owner = fifo_owner,
};
