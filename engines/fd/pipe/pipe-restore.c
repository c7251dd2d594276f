/* engines/fd/pipe/pipe-restore.c -- how criu-restore rebuilds a pipe: all descriptions of both of its ends at once. */

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "criu-restore/files.h"
#include "criu-restore/inherit.h"
#include "criu-restore/restore.h"
#include "criuimg/cleanup.h"

static int pipe_plan(struct restore *r, const struct restore_file *f, struct img_err *err)
{
	if (!f->rec->pipe)
		return img_fail(err, IMG_CORRUPT, "has no pipe record");
	if (f->rec->pipe->id != f->id)
		return img_fail(err, IMG_CORRUPT, "calls itself %#x", f->rec->pipe->id);
	if ((f->rec->pipe->flags & O_ACCMODE) == O_ACCMODE)
		return img_fail(err, IMG_CORRUPT, "flags %#o have no access mode", f->rec->pipe->flags);
	return 0;
}

static uint64_t pipe_group(const struct restore *r, const struct restore_file *f)
{
	return f->rec->pipe->pipe_id;
}

/* What open(2) adds to the flags of all it opens (asm-generic/fcntl.h; libc's O_LARGEFILE is 0), and pipe(2) does not. */
#define KERNEL_O_LARGEFILE 0100000

/* A description of its own for a record: an end of the new pipe if that is what it was, else the pipe opened once more. */
static int take_end(int ends[2], const PipeEntry *rec, int any, struct img_err *err)
{
	uint32_t mode = rec->flags & O_ACCMODE;
	bool opened = rec->flags & KERNEL_O_LARGEFILE;

	if (mode == O_RDONLY && ends[0] >= 0 && !opened)
		return steal_fd(&ends[0]);
	if (mode == O_WRONLY && ends[1] >= 0 && !opened)
		return steal_fd(&ends[1]);
	/* open(2) does not take O_DIRECT for a pipe, fcntl(2) does. */
	return restore_reopen(any, (int)(mode | (rec->flags & O_NONBLOCK)), err);
}

static int make_ends(struct restore *r, int ends[2], const struct restore_file *const *files, size_t nr, int *fds,
	struct img_err *err)
{
	for (size_t i = 0; i < nr; i++) {
		const PipeEntry *rec = files[i]->rec->pipe;
		/* One of them always is: an end is only taken to be put into fds. */
		int any = ends[0] >= 0 ? ends[0] : ends[1] >= 0 ? ends[1] : fds[0];

		fds[i] = take_end(ends, rec, any, err);
		if (fds[i] < 0 || restore_file_flags(fds[i], rec->flags, err) < 0 ||
		    restore_file_owner(r, fds[i], rec->fown, err) < 0)
			return -1;
	}
	return 0;
}

/* A pipe that the caller has (--inherit-fd pipe:[INODE]); -1: none. */
static int handed(const struct restore *r, uint32_t pipe_id)
{
	int fd = restore_inherited(r, "pipe:[%u]", pipe_id);

	return fd < 0 ? restore_inherited(r, "pipe[%u]", pipe_id) : fd;
}

/* Each description by opening that pipe once more, whichever end was handed over; what is no pipe, as it is. */
static int take_handed(struct restore *r, int from, const struct restore_file *const *files, size_t nr, int *fds, struct img_err *err)
{
	struct stat st;

	if (fstat(from, &st) < 0)
		return img_fail_sys(err, "stat");
	for (size_t i = 0; i < nr; i++) {
		const PipeEntry *rec = files[i]->rec->pipe;

		if (S_ISFIFO(st.st_mode))
			fds[i] = restore_reopen(from, (int)(rec->flags & (O_ACCMODE | O_NONBLOCK)), err);
		else
			fds[i] = fcntl(from, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
		if (fds[i] < 0)
			return err->code ? -1 : img_fail_sys(err, "duplicate a descriptor");
		if ((S_ISFIFO(st.st_mode) && restore_file_flags(fds[i], rec->flags, err) < 0) ||
			restore_file_owner(r, fds[i], rec->fown, err) < 0)
			return -1;
	}
	return 0;
}

static int pipe_make(struct restore *r, struct restore_task *t, const struct restore_file *const *files, size_t nr, int *fds,
	struct img_err *err)
{
	const PipeEntry *rec = files[0]->rec->pipe;
	int ends[2], ret, from = handed(r, rec->pipe_id);

	if (from >= 0)
		return take_handed(r, from, files, nr, fds, err);
	if (pipe2(ends, O_CLOEXEC) < 0)
		return img_fail_sys(err, "make a pipe");
	ret = restore_fill_pipe(r, restore_find_pipe_data(r, IMG_PIPES_DATA, rec->pipe_id), ends[1], err);
	if (ret == 0 && rec->has_uid && rec->has_gid && fchown(ends[0], rec->uid, rec->gid) < 0)
		ret = img_fail_sys(err, "give it to uid %u, gid %u", rec->uid, rec->gid);
	if (ret == 0)
		ret = make_ends(r, ends, files, nr, fds, err);
	img_cleanup_fd(&ends[0]);
	img_cleanup_fd(&ends[1]);
	return ret;
}

static const FownEntry *pipe_owner(const struct restore *r, const struct restore_file *f)
{
	return f->rec->pipe->fown;
}

const struct fd_restore_ops pipe_restore_ops = {
	.name = "pipe",
	.type = FD_TYPES__PIPE,
	.plan = pipe_plan,
	.group = pipe_group,
	.make = pipe_make,
	.owner = pipe_owner,
};
