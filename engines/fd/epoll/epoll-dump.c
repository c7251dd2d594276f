/* engines/fd/epoll/epoll-dump.c -- what criu-dump saves of an epoll descriptor: what it watches, by the numbers of the table that it was
 * found in.
 *
 * A watch belongs to the file, not to the number it was added under: that number may be closed by now, or be another file's. Then
 * the record has another number that the file has in the table.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "criu-dump/dump.h"
#include "criu-dump/files.h"
#include "criuimg/array.h"
#include "criuimg/cleanup.h"
#include "kernel/getfd.h"
#include "kernel/proc-file.h"

/* fs/eventpoll.c, ep_show_fdinfo(): a line for each watch */
static const struct fdinfo_field fields[] = {
	{ "tfd", FDINFO_SKIP, 0, false },
};

static bool epoll_claims(const struct fd_probe *probe)
{
	return !strcmp(probe->link, "anon_inode:[eventpoll]");
}

/* One watch, as the kernel knows it. */
struct watched {
	pid_t pid; /* whose epfd it is */
	int epfd, tfd;
	unsigned nth;
};

/* A number that the watched file has in the table of a task: 1 with *fd, 0 when it has none there, -1. */
static int number_in(const struct dump_task *t, const struct watched *w, int *fd, struct img_err *err)
{
	int ret = kern_kcmp_epoll(t->pid, w->tfd, w->pid, w->epfd, w->tfd, w->nth, err);
	cleanup_free int *fds = NULL;
	size_t nr = 0;

	*fd = w->tfd;
	if (ret)
		return ret;
	if (kern_proc_numbers(&fds, &nr, err, "/proc/%d/fd", (int)t->pid) < 0)
		return -1;
	for (size_t i = 0; i < nr && ret == 0; i++) {
		ret = kern_kcmp_epoll(t->pid, fds[i], w->pid, w->epfd, w->tfd, w->nth, err);
		*fd = fds[i];
	}
	return ret;
}

/* The number of a watch in the table of the task that dumps it. While it is only checked, an earlier task may have the file: if it has
 * the epoll descriptor too it is that task that will dump it. */
static int find_number(struct dump *d, struct dump_task *t, const struct watched *w, bool checking, struct img_err *err)
{
	const struct dump_task *holder = dump_file_holder(d, t);
	int fd, ret = number_in(holder, w, &fd, err);

	for (size_t i = 0; checking && ret == 0 && d->tasks.items[i] != holder; i++)
		if (d->tasks.items[i]->state != DUMP_TASK_ZOMBIE)
			ret = number_in(d->tasks.items[i], w, &fd, err);
	if (ret < 0)
		return -1;
	if (ret == 0)
		return img_fail(err, IMG_UNSUPPORTED, "epoll watches what was fd %d, which no descriptor of this process leads to any more",
			w->tfd);
	return fd;
}

/* How many watches under the same number come before this one. */
static unsigned earlier(const EventpollFileEntry *epfd, const int *added_as, int tfd)
{
	unsigned nr = 0;

	for (size_t i = 0; i < epfd->n_tfd; i++)
		nr += added_as[i] == tfd;
	return nr;
}

static int watch(struct dump *d, struct dump_task *t, const struct fd_probe *probe, const char *line, EventpollFileEntry *epfd,
	int *added_as, bool checking, struct img_err *err)
{
	EventpollTfdEntry *e = img_arena_message(&d->arena, EventpollTfdEntry, eventpoll_tfd_entry);
	unsigned long long data, ino;
	long long pos;
	int tfd, now;

	if (!e)
		return img_fail_nomem(err);
	if (sscanf(line, "tfd: %d events: %x data: %llx pos:%lli ino:%llx sdev:%x", &tfd, &e->events, &data, &pos, &ino, &e->dev) != 6)
		return img_fail(err, IMG_UNSUPPORTED, "fdinfo line '%s' is not understood", line);
	now = find_number(d, t, &(struct watched){ t->pid, probe->fd, tfd, earlier(epfd, added_as, tfd) }, checking, err);
	if (now < 0)
		return -1;
	e->tfd = (uint32_t)now;
	e->data = data;
	e->has_dev = e->has_inode = e->has_pos = true;
	e->inode = ino;
	e->pos = (uint64_t)pos;
	added_as[epfd->n_tfd] = tfd;
	epfd->tfd[epfd->n_tfd++] = e;
	return 0;
}

static int watches(struct dump *d, struct dump_task *t, const struct fd_probe *probe, EventpollFileEntry *epfd, bool checking,
	struct img_err *err)
{
	cleanup_free int *added_as = NULL;
	const char *at = probe->extra;
	char line[512];
	size_t nr = 0;
	int ret = 0;

	while (kern_fdinfo_next(&at, line, sizeof(line)))
		nr++;
	if (!nr)
		return 0;
	epfd->tfd = img_arena_array(&d->arena, nr, sizeof(*epfd->tfd));
	added_as = calloc(nr, sizeof(*added_as));
	if (!epfd->tfd || !added_as)
		return img_fail_nomem(err);
	for (at = probe->extra; ret == 0 && kern_fdinfo_next(&at, line, sizeof(line));)
		ret = watch(d, t, probe, line, epfd, added_as, checking, err);
	return ret;
}

static int epoll_check(struct dump *d, struct dump_task *t, const struct fd_probe *probe, struct img_err *err)
{
	EventpollFileEntry epfd = EVENTPOLL_FILE_ENTRY__INIT;

	return watches(d, t, probe, &epfd, true, err);
}

static int epoll_dump(struct dump *d, const struct fd_target *t, struct img_err *err)
{
	EventpollFileEntry epfd = EVENTPOLL_FILE_ENTRY__INIT;
	FownEntry fown = FOWN_ENTRY__INIT;
	FileEntry rec = FILE_ENTRY__INIT;

	if (dump_file_owner(d, t, &fown, err) < 0 || watches(d, t->task, t->probe, &epfd, false, err) < 0)
		return -1;
	epfd.id = t->id;
	epfd.flags = t->probe->flags;
	epfd.fown = &fown;
	rec.type = FD_TYPES__EVENTPOLL;
	rec.id = t->id;
	rec.epfd = &epfd;
	return dump_write_file(d, &rec, err);
}

const struct fd_dump_ops epoll_dump_ops = {
	.name = "epoll",
	.type = FD_TYPES__EVENTPOLL,
	.fdinfo = fields,
	.nr_fdinfo = ARRAY_SIZE(fields),
	.claims = epoll_claims,
	.check = epoll_check,
	.dump = epoll_dump,
};
