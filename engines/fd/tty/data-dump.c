/* engines/fd/tty/data-dump.c -- what waits in terminals to be read, for tty-data.img.
 *
 * It can only be taken out. Where the task lives on, after a failure or when it was asked for, it is put back: undo.h.
 */

#include <stdlib.h>
#include <sys/ioctl.h>

#include "criu-dump/tty-own.h"
#include "criuimg/cleanup.h"
#include "kernel/getfd.h"

static int put_back(struct dump *d, void *obj, struct img_err *err)
{
	struct tty_taken *taken = obj;
	struct img_err gone = IMG_ERR_INIT;
	cleanup_fd int fd = -1;

	if (!taken->data.len && !taken->data.nr_lines)
		return 0;
	fd = kern_getfd(taken->task->pidfd, taken->fd, &gone);
	if (fd < 0)
		return 0; /* the task is gone, as it was to be */
	if (taken->master)
		return kern_tty_put_output(fd, -1, &taken->data, err);
	return kern_tty_put_input(fd, -1, &taken->data, err);
}

/* Can the reads that gave these lines be told from the bytes alone? */
static bool plain_lines(const struct kern_tty_data *data)
{
	size_t at = 0;

	for (size_t i = 0; i < data->nr_lines; i++) {
		at += data->lines[i];
		if (!data->lines[i] || data->bytes[at - 1] != '\n')
			return false;
	}
	return true;
}

static int write_data(struct dump *d, const struct tty_taken *taken, uint32_t id, bool packets, struct img_err *err)
{
	const struct kern_tty_data *data = &taken->data;
	TtyDataEntry rec = TTY_DATA_ENTRY__INIT;

	rec.tty_id = id;
	rec.data = (ProtobufCBinaryData){ data->len, data->bytes };
	if (!plain_lines(data)) {
		rec.lines = data->lines;
		rec.n_lines = data->nr_lines;
	}
	rec.has_unfinished = data->unfinished > 0;
	rec.unfinished = (uint32_t)data->unfinished;
	rec.has_plain = rec.plain = packets;
	log_info(d->log, "tty %#x: %zu bytes wait, %zu of a line being typed", id, data->len, data->unfinished);
	return dump_write_shared(d, IMG_TTY_DATA, &rec.base, err);
}

int tty_dump_data(struct dump *d, const struct fd_target *t, const struct tty_seen *seen, uint32_t id, struct img_err *err)
{
	struct tty_state *s = tty_state_get(d, err);
	struct tty_taken *taken = s ? calloc(1, sizeof(*taken)) : NULL;
	int packets = 0, ret;

	if (!taken)
		return s ? img_fail_nomem(err) : -1;
	*taken = (struct tty_taken){ t->task, t->probe->fd, seen->master, { 0 }, s->taken };
	s->taken = taken;
	if (undo_push(&d->undo, UNDO_FIRST, "put back what waited in a terminal", put_back, taken, err) < 0)
		return -1;
	if (seen->master) {
		ioctl(t->lfd, TIOCGPKT, &packets);
		ret = kern_tty_take_output(t->lfd, &taken->data, err);
	} else {
		ret = kern_tty_take_input(t->lfd, &taken->data, err);
	}
	if (ret < 0)
		return img_wrap(err, "what waits in it");
	if (taken->data.status)
		log_warn(d->log, "tty %#x: what had happened to it (%#x) is not told to the reader of its packets", id,
			taken->data.status);
	return taken->data.len || taken->data.nr_lines ? write_data(d, taken, id, packets, err) : 0;
}
