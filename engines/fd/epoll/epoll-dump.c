/* engines/fd/epoll/epoll-dump.c -- what criu-dump saves of an epoll descriptor: what it watches, by the numbers of the table that it was
 * found in.
 *
 * A watch belongs to the file, not to the number it was added under: that number may be closed by now, or be another file's. Then
 * the record has another number that the file has in the table.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "criu-dump/dump.h"
#include "criu-dump/epoll-own.h"
#include "criu-dump/files.h"
#include "criuimg/array.h"
#include "criuimg/cleanup.h"
#include "kernel/getfd.h"
#include "kernel/handle.h"
#include "kernel/proc-file.h"

/* fs/eventpoll.c, ep_show_fdinfo(): a line for each watch */
static const struct fdinfo_field fields[] = {
	{ "tfd", FDINFO_SKIP, 0, false },
};

static bool epoll_claims(const struct fd_probe *probe)
{
	return !strcmp(probe->link, "anon_inode:[eventpoll]");
}

enum {
	MANY = 64, /* watches; fewer are asked for one by one */
};

/* One watch, as the kernel knows it. */
struct watched {
	pid_t pid; /* whose epfd it is */
	int epfd, tfd;
	unsigned nth;
	ino_t ino;
	dev_t dev;
};

/* kcmp(2) walks over all watches to find one, which is dear where there are thousands: of a socket there is one open file alone. */
static bool is_that_socket(const struct dump_task *t, const struct watched *w)
{
	struct stat st;
	char path[48];

	snprintf(path, sizeof(path), "/proc/%d/fd/%d", (int)t->pid, w->tfd);
	return stat(path, &st) == 0 && S_ISSOCK(st.st_mode) && st.st_ino == w->ino && st.st_dev == w->dev;
}

/* A number that the watched file has in the table of a task: 1 with *fd, 0 when it has none there, -1. */
static int number_in(const struct dump_task *t, const struct watched *w, int *fd, struct img_err *err)
{
	int ret = is_that_socket(t, w) ? 1 : kern_kcmp_epoll(t->pid, w->tfd, w->pid, w->epfd, w->tfd, w->nth, err);
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

/* The numbers that watches were added as, in the order of the kernel. */
struct numbers {
	int *all;
	bool *same;		       /* it is the file that has the number now; else it is not known */
	size_t nr;
	uint64_t twice[(1 << 17) / 64]; /* a bit for each that is there more than once, or may be */
};

static bool is_twice(const struct numbers *n, int tfd)
{
	return (unsigned)tfd >= sizeof(n->twice) * 8 || n->twice[tfd / 64] & 1ull << tfd % 64;
}

/* How many watches under the same number come before the nth. */
static unsigned earlier(const struct numbers *n, size_t nth)
{
	unsigned nr = 0;

	for (size_t i = 0; is_twice(n, n->all[nth]) && i < nth; i++)
		nr += n->all[i] == n->all[nth];
	return nr;
}

static void find_twice(struct numbers *n, uint64_t *once)
{
	for (size_t i = 0; i < n->nr; i++) {
		uint64_t bit = 1ull << n->all[i] % 64;
		int word = n->all[i] / 64;

		if ((unsigned)n->all[i] >= sizeof(n->twice) * 8)
			continue;
		n->twice[word] |= once[word] & bit;
		once[word] |= bit;
	}
}

/* Of many watches: all at once. */
static int look_at_all(struct dump *d, const struct dump_task *t, int fd, struct numbers *n, struct img_err *err)
{
	cleanup_free bool *found = calloc(n->nr, sizeof(*found));
	cleanup_free int *numbers = calloc(n->nr, sizeof(*numbers));
	size_t nr = 0;

	if (!found || !numbers)
		return img_fail_nomem(err);
	for (size_t i = 0; i < n->nr; i++)
		if (!is_twice(n, n->all[i]))
			numbers[nr++] = n->all[i];
	if (epoll_verify(t->pidfd, fd, numbers, nr, found, err) < 0)
		return -1;
	nr = 0;
	for (size_t i = 0; i < n->nr; i++)
		n->same[i] = !is_twice(n, n->all[i]) && found[nr++];
	return 0;
}

static int read_numbers(struct dump *d, const struct dump_task *t, const struct fd_probe *probe, struct numbers *n, struct img_err *err)
{
	cleanup_free uint64_t *once = calloc(1, sizeof(n->twice));
	const char *at = probe->extra;
	char line[512];

	n->all = calloc(n->nr, sizeof(*n->all));
	n->same = calloc(n->nr, sizeof(*n->same));
	if (!n->all || !n->same || !once)
		return img_fail_nomem(err);
	for (size_t i = 0; i < n->nr && kern_fdinfo_next(&at, line, sizeof(line)); i++)
		if (sscanf(line, "tfd: %d", &n->all[i]) != 1 || n->all[i] < 0)
			return img_fail(err, IMG_UNSUPPORTED, "fdinfo line '%s' is not understood", line);
	find_twice(n, once);
	return n->nr > MANY && !d->dry_run ? look_at_all(d, t, probe->fd, n, err) : 0;
}

static void numbers_free(struct numbers *n)
{
	if (!n)
		return;
	free(n->all);
	free(n->same);
	free(n);
}
IMG_DEFINE_CLEANUP(struct numbers *, numbers_free);

static int watch(struct dump *d, struct dump_task *t, const struct fd_probe *probe, const char *line, EventpollFileEntry *epfd,
	const struct numbers *n, bool checking, struct img_err *err)
{
	const size_t nth = epfd->n_tfd;
	EventpollTfdEntry *e = img_arena_message(&d->arena, EventpollTfdEntry, eventpoll_tfd_entry);
	unsigned long long data, ino;
	long long pos;
	int tfd, now;

	if (!e)
		return img_fail_nomem(err);
	if (sscanf(line, "tfd: %d events: %x data: %llx pos:%lli ino:%llx sdev:%x", &tfd, &e->events, &data, &pos, &ino, &e->dev) != 6)
		return img_fail(err, IMG_UNSUPPORTED, "fdinfo line '%s' is not understood", line);
	now = n->same[nth] && dump_file_holder(d, t) == t
		      ? tfd
		      : find_number(d, t,
				&(struct watched){ .pid = t->pid,
					.epfd = probe->fd,
					.tfd = tfd,
					.nth = earlier(n, nth),
					.ino = ino,
					.dev = kern_dev(e->dev) },
				checking, err);
	if (now < 0)
		return -1;
	e->tfd = (uint32_t)now;
	e->data = data;
	e->has_dev = e->has_inode = e->has_pos = true;
	e->inode = ino;
	e->pos = (uint64_t)pos;
	epfd->tfd[epfd->n_tfd++] = e;
	return 0;
}

static int watches(struct dump *d, struct dump_task *t, const struct fd_probe *probe, EventpollFileEntry *epfd, bool checking,
	struct img_err *err)
{
	cleanup_with(numbers_free) struct numbers *n = calloc(1, sizeof(*n));
	const char *at = probe->extra;
	char line[512];
	int ret = 0;

	if (!n)
		return img_fail_nomem(err);
	while (kern_fdinfo_next(&at, line, sizeof(line)))
		n->nr++;
	if (!n->nr)
		return 0;
	epfd->tfd = img_arena_array(&d->arena, n->nr, sizeof(*epfd->tfd));
	if (!epfd->tfd)
		return img_fail_nomem(err);
	if (read_numbers(d, t, probe, n, err) < 0)
		return -1;
	for (at = probe->extra; ret == 0 && kern_fdinfo_next(&at, line, sizeof(line));)
		ret = watch(d, t, probe, line, epfd, n, checking, err);
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
