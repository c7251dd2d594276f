/* engines/fd/fifo/fifo-dump.c -- what criu-dump saves of a fifo, a pipe with a name.
 *
 * It is both: a record of a file (its path, or its ghost) under an id of its own, a record that ties it to the pipe, and, once
 * for each fifo that somebody can read from, what is in it, in fifo-data.img.
 */

#include <fcntl.h>
#include <sys/stat.h>

#include "criu-dump/dump.h"
#include "criu-dump/files.h"

static bool fifo_claims(const struct fd_probe *probe)
{
	return S_ISFIFO(probe->mode) && probe->link[0] == '/' && !(probe->flags & O_PATH);
}

static int fifo_dump(struct dump *d, const struct fd_target *t, struct img_err *err)
{
	FifoEntry fifo = FIFO_ENTRY__INIT;
	FileEntry rec = FILE_ENTRY__INIT;
	struct fd_target file = *t;

	file.id = dump_new_file_id(d);
	if (dump_named_file(d, &file, err) < 0)
		return -1;
	fifo.id = t->id;
	fifo.pipe_id = (uint32_t)t->probe->ino;
	fifo.has_regf_id = true;
	fifo.regf_id = file.id;
	rec.type = FD_TYPES__FIFO;
	rec.id = t->id;
	rec.fifo = &fifo;
	if (dump_write_file(d, &rec, err) < 0)
		return -1;
	return dump_pipe_data(d, t, fifo.pipe_id, DUMP_ONCE_FIFO_DATA, IMG_FIFO_DATA, err);
}

const struct fd_dump_ops fifo_dump_ops = {
	.name = "fifo",
	.type = FD_TYPES__FIFO,
	.claims = fifo_claims,
	.check = dump_named_file_check,
	.dump = fifo_dump,
};
