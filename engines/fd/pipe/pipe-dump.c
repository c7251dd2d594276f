/* engines/fd/pipe/pipe-dump.c -- what criu-dump saves of a pipe.
 *
 * Each open description of an end has a record; the pipe itself, known by its inode, has one entry in pipes-data.img with its
 * size and what is in it, if somebody in the tree can read from it.
 */

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "criu-dump/dump.h"
#include "criu-dump/files.h"
#include "criu-dump/ns_ops.h"
#include "kernel/pipe.h"
#include "pipe-data.pb-c.h"

static bool pipe_claims(const struct fd_probe *probe)
{
	return S_ISFIFO(probe->mode) && !strncmp(probe->link, "pipe:[", 6);
}

static int pipe_check(struct dump *d, struct dump_task *t, const struct fd_probe *probe, struct img_err *err)
{
	if (probe->flags & O_PATH)
		return img_fail(err, IMG_UNSUPPORTED, "a pipe opened with O_PATH is not supported");
	return 0;
}

int dump_pipe_data(struct dump *d, const struct fd_target *t, uint32_t pipe_id, enum dump_once once, enum img_kind kind,
	struct img_err *err)
{
	PipeDataEntry rec = PIPE_DATA_ENTRY__INIT;
	struct kern_pipe content;
	uint32_t *ignored;
	int ret;

	if ((t->probe->flags & O_ACCMODE) == O_WRONLY)
		return 0;
	ret = dump_once(d, once, t->probe->dev, t->probe->ino, &ignored, err);
	if (ret <= 0)
		return ret;
	if (kern_pipe_peek(t->lfd, &content, err) < 0)
		return -1;
	log_info(d->log, "pipe %#x: %zu bytes, %zu packets, size %u", pipe_id, content.len, content.nr_packets, content.size);
	rec.pipe_id = pipe_id;
	rec.bytes = (uint32_t)content.len;
	rec.has_size = true;
	rec.size = content.size;
	rec.n_packets = content.nr_packets;
	rec.packets = content.packets;
	ret = dump_write_shared(d, kind, &rec.base, err);
	if (ret == 0 && content.len)
		ret = dump_write_shared_payload(d, kind, content.data, content.len, err);
	kern_pipe_free(&content);
	return ret;
}

static int pipe_dump(struct dump *d, const struct fd_target *t, struct img_err *err)
{
	PipeEntry pipe = PIPE_ENTRY__INIT;
	FownEntry fown = FOWN_ENTRY__INIT;
	FileEntry rec = FILE_ENTRY__INIT;
	struct stat st;

	if (dump_file_owner(d, t, &fown, err) < 0)
		return -1;
	if (fstat(t->lfd, &st) < 0)
		return img_fail_sys(err, "stat");
	pipe.id = t->id;
	pipe.pipe_id = (uint32_t)t->probe->ino;
	pipe.flags = t->probe->flags;
	pipe.fown = &fown;
	/* Who made it: others may not open it through /proc/PID/fd (a shell's /dev/stdout). */
	if (st.st_uid || st.st_gid) {
		pipe.has_uid = pipe.has_gid = true;
		pipe.uid = dump_uid(d, st.st_uid);
		pipe.gid = dump_gid(d, st.st_gid);
	}
	rec.type = FD_TYPES__PIPE;
	rec.id = t->id;
	rec.pipe = &pipe;
	if (dump_write_file(d, &rec, err) < 0)
		return -1;
	return dump_pipe_data(d, t, pipe.pipe_id, DUMP_ONCE_PIPE_DATA, IMG_PIPES_DATA, err);
}

const struct fd_dump_ops pipe_dump_ops = {
	.name = "pipe",
	.type = FD_TYPES__PIPE,
	.claims = pipe_claims,
	.check = pipe_check,
	.dump = pipe_dump,
};
