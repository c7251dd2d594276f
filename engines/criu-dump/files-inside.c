/* engines/criu-dump/files-inside.c -- files that are on their way through sockets.
 *
 * They are in no task's table; we hold a descriptor of each, as if we were a task of the tree: a copy of its root with our pid, and the
 * child of whoever has the socket.
 */

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "criu-dump/files-own.h"
#include "criuimg/array.h"
#include "criuimg/cleanup.h"
#include "kernel/getfd.h"

void dump_files_free_inside(struct dump_inside *in)
{
	if (!in)
		return;
	for (size_t i = 0; i < in->nr; i++)
		close(in->items[i].probe.fd);
	free(in->items);
	free(in->scan.fdinfo);
	img_cleanup_fd(&in->scan.fd_dir);
	img_cleanup_fd(&in->scan.fdinfo_dir);
	img_cleanup_fd(&in->self.pidfd);
	img_arena_free(&in->self.arena);
	free(in);
}

static struct dump_inside *inside_get(struct dump *d, struct img_err *err)
{
	struct dump_inside *in = d->files->inside;

	if (in)
		return in;
	in = d->files->inside = calloc(1, sizeof(*in));
	if (!in) {
		img_fail_nomem(err);
		return NULL;
	}
	in->self = *d->tasks.items[0];
	in->self.arena = (struct img_arena){ 0 };
	in->self.pid = getpid();
	in->self.pidfd = (int)syscall(SYS_pidfd_open, in->self.pid, 0);
	in->scan = (struct fd_scan){ .task = &in->self, .fd_dir = -1, .fdinfo_dir = -1 };
	if (in->self.pidfd < 0) {
		img_fail_sys(err, "pidfd_open");
		return NULL;
	}
	return dump_open_fd_dirs(&in->scan, err) < 0 ? NULL : in;
}

/* The place of a file among those that are known; NULL: not known. */
static struct fd_entry *inside_find(struct dump *d, int fd, bool *failed, struct img_err *err)
{
	struct dump_inside *in = d->files->inside;
	struct stat st;

	*failed = false;
	if (fstat(fd, &st) < 0) {
		img_fail_sys(err, "stat");
		*failed = true;
		return NULL;
	}
	for (size_t i = 0; i < in->nr; i++) {
		int order;

		if (in->items[i].probe.ino != st.st_ino || in->items[i].probe.dev != st.st_dev)
			continue;
		order = kern_kcmp_file(in->self.pid, fd, in->self.pid, in->items[i].probe.fd, err);
		if (order == 0)
			return &in->items[i];
		*failed = order < 0;
		if (*failed)
			return NULL;
	}
	return NULL;
}

struct taking {
	struct dump *d;
	struct dump_task *holder;
};

static int take_inside(void *arg, int fd, struct img_err *err)
{
	const struct taking *taking = arg;
	struct dump *d = taking->d;
	struct dump_inside *in = inside_get(d, err);
	struct fd_entry *e;
	bool failed = true;
	char name[16];
	int ret;

	if (!in || inside_find(d, fd, &failed, err) || failed) {
		close(fd);
		return in && !failed ? 0 : -1;
	}
	e = img_array_more(&in->items, in->nr, &in->room);
	snprintf(name, sizeof(name), "%d", fd);
	ret = e ? dump_look_at(d, &in->scan, fd, name, &e->probe, err) : img_fail_nomem(err);
	if (ret <= 0) {
		close(fd);
		return ret < 0 ? -1 : img_fail(err, IMG_SYS, "a descriptor of our own is gone");
	}
	e->ops = dump_find_room(&e->probe);
	e->holder = taking->holder;
	in->nr++;
	return dump_look_inside(d, taking->holder, &(struct fd_entry){ e->probe, e->ops, NULL }, fd, err);
}

int dump_look_inside(struct dump *d, struct dump_task *t, const struct fd_entry *e, int lfd, struct img_err *err)
{
	return e->ops && e->ops->inside ? e->ops->inside(d, lfd, &e->probe, take_inside, &(struct taking){ d, t }, err) : 0;
}

const struct dump_task *dump_file_holder(const struct dump *d, const struct dump_task *t)
{
	return d->files && d->files->inside && t == &d->files->inside->self ? t->parent : t;
}

int dump_file_inside(struct dump *d, int fd, uint32_t *id, struct img_err *err)
{
	struct dump_inside *in = d->files->inside;
	bool failed = false;
	struct fd_entry *e = in ? inside_find(d, fd, &failed, err) : NULL;

	if (failed)
		return -1;
	if (!e)
		return img_fail(err, IMG_SYS, "a file on its way that was not there before");
	in->self.parent = e->holder;
	return dump_fd_entry(d, &in->self, &(struct fd_entry){ e->probe, e->ops, e->holder }, id, err);
}
