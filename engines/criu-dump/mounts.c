/* criu-dump/mounts.c -- the mount namespaces of the tree. */

#include "criu-dump/mounts.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdlib.h>
#include <unistd.h>

#include "criu-dump/ns_ops.h"
#include "criuimg/array.h"
#include "criuimg/cleanup.h"
#include "kernel/ns.h"

/* At most a handful: a list will do. */
struct dump_mounts {
	struct dump_mntns **items;
	size_t nr, room;
	struct kern_mounts own;
};

static struct dump_mntns *find(const struct dump *d, const struct dump_namespace *ns)
{
	for (size_t i = 0; d->mounts && i < d->mounts->nr; i++)
		if (d->mounts->items[i]->ns == ns)
			return d->mounts->items[i];
	return NULL;
}

/* From the tree's cgroup namespace: what a mount of control groups shows is told from the root of that. */
static int read_one(struct dump *d, struct dump_mntns *m, struct img_err *err)
{
	int own = -1, ret;

	m->root_fd = kern_mntns_root(m->ns->task->pid, err);
	if (m->root_fd < 0 || dump_ns_enter(d, m->ns->task, CLONE_NEWCGROUP, &own, err) < 0)
		return -1;
	ret = kern_mounts_read(m->ns->task->pid, &m->mounts, err);
	return dump_ns_leave(CLONE_NEWCGROUP, &own, err) < 0 ? -1 : ret;
}

struct dump_mntns *dump_mntns_get(struct dump *d, const struct dump_namespace *ns, struct img_err *err)
{
	struct dump_mntns *m = find(d, ns), **at;

	if (m)
		return m;
	if (!d->mounts)
		d->mounts = calloc(1, sizeof(*d->mounts));
	at = d->mounts ? img_array_more(&d->mounts->items, d->mounts->nr, &d->mounts->room) : NULL;
	m = at ? calloc(1, sizeof(*m)) : NULL;
	if (!m) {
		img_fail_nomem(err);
		return NULL;
	}
	*at = m;
	d->mounts->nr++;
	m->ns = ns;
	m->root_fd = -1;
	return read_one(d, m, err) < 0 ? NULL : m;
}

const struct kern_mounts *dump_own_mounts(struct dump *d, struct img_err *err)
{
	if (!d->mounts)
		d->mounts = calloc(1, sizeof(*d->mounts));
	if (!d->mounts) {
		img_fail_nomem(err);
		return NULL;
	}
	if (!d->mounts->own.nr && kern_mounts_read(0, &d->mounts->own, err) < 0)
		return NULL;
	return &d->mounts->own;
}

int dump_mntns_of(struct dump *d, const struct dump_task *t, int mnt_id, struct dump_mntns **out, struct img_err *err)
{
	const struct dump_namespace *ns;

	if (!t || !t->ids)
		t = d->tasks.items[0];
	ns = dump_ns_of(d, t, CLONE_NEWNS);
	*out = NULL;
	if (ns) {
		*out = dump_mntns_get(d, ns, err);
		if (!*out)
			return -1;
		if (mnt_id < 0 || kern_mount_find(&(*out)->mounts, mnt_id))
			return 0;
	}
	for (size_t i = 0; mnt_id >= 0 && d->mounts && i < d->mounts->nr; i++)
		if (kern_mount_find(&d->mounts->items[i]->mounts, mnt_id))
			*out = d->mounts->items[i];
	return 0;
}

int dump_mnt_recorded(const struct dump_mntns *m, int mnt_id)
{
	return m && kern_mount_find(&m->mounts, mnt_id) ? mnt_id : -1;
}

int dump_path_open(const struct dump_mntns *m, const char *path, int flags)
{
	return m ? kern_open_in_root(m->root_fd, path, flags) : open(path, flags | O_CLOEXEC);
}

int dump_path_stat(const struct dump_mntns *m, const char *path, struct stat *st)
{
	cleanup_fd int fd = -1;

	if (!m)
		return lstat(path, st);
	fd = kern_open_in_root(m->root_fd, path, O_PATH | O_NOFOLLOW);
	return fd < 0 ? -1 : fstat(fd, st);
}

int dump_mnt_id(int fd)
{
	struct statx stx;

	if (statx(fd, "", AT_EMPTY_PATH, STATX_MNT_ID, &stx) < 0 || !(stx.stx_mask & STATX_MNT_ID))
		return -1;
	return (int)stx.stx_mnt_id;
}

void dump_mounts_free(struct dump *d)
{
	for (size_t i = 0; d->mounts && i < d->mounts->nr; i++) {
		img_cleanup_fd(&d->mounts->items[i]->root_fd);
		kern_mounts_free(&d->mounts->items[i]->mounts);
		free(d->mounts->items[i]);
	}
	if (d->mounts) {
		free(d->mounts->items);
		kern_mounts_free(&d->mounts->own);
	}
	free(d->mounts);
	d->mounts = NULL;
}
