/* engines/criu-restore/ns-mounts.c -- which mount namespace a file is in.
 *
 * A tree may have several. The room mnt says which mount of the images is in which; whoever opens a file asks with the file's
 * mount: a task gets the root directory of the other namespace, the front goes into it.
 */

#include <limits.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "criu-restore/namespaces-own.h"
#include "criuimg/array.h"
#include "kernel/mountinfo.h"

static int by_mnt_id(const void *va, const void *vb)
{
	const struct restore_mount *a = va, *b = vb;

	return a->mnt_id < b->mnt_id ? -1 : a->mnt_id > b->mnt_id;
}

void restore_ns_mounts(struct restore *r, struct restore_mount *mounts, size_t nr)
{
	r->ns->mnts = mounts;
	r->ns->nr_mnts = nr;
	if (nr)
		qsort(mounts, nr, sizeof(*mounts), by_mnt_id);
}

static const struct restore_mount *find_mount(const struct restore *r, int mnt_id)
{
	struct restore_mount seek = { .mnt_id = (uint32_t)mnt_id };

	if (mnt_id < 0 || !r->ns || !r->ns->nr_mnts)
		return NULL;
	return bsearch(&seek, r->ns->mnts, r->ns->nr_mnts, sizeof(seek), by_mnt_id);
}

static uint32_t ns_of_mount(const struct restore *r, int mnt_id)
{
	const struct restore_mount *found = find_mount(r, mnt_id);

	return found ? found->ns : 0;
}

const char *restore_ns_mountpoint(const struct restore *r, int mnt_id)
{
	const struct restore_mount *found = find_mount(r, mnt_id);

	return found ? found->mountpoint : NULL;
}

/* What path, which leads through mount m, is in the whole of the file system. */
static bool inside(const struct restore_mount *m, const char *path, char *out)
{
	const char *rest = m ? kern_path_below(path, m->mountpoint) : NULL;

	return rest && snprintf(out, PATH_MAX, "%s/%s", strcmp(m->root, "/") ? m->root : "", rest) < PATH_MAX;
}

/* And back: the path through m of what is there in the file system. */
static bool outside(const struct restore_mount *m, const char *in, char *out)
{
	const char *rest = kern_path_below(in, m->root);

	return rest && snprintf(out, PATH_MAX, "%s/%s", strcmp(m->mountpoint, "/") ? m->mountpoint : "", rest) < PATH_MAX;
}

int restore_ns_common(const struct restore *r, int mnt_a, const char *a, int mnt_b, const char *b, char *via_a, char *via_b)
{
	const struct restore_mount *in_a = find_mount(r, mnt_a), *in_b = find_mount(r, mnt_b);
	char whole_a[PATH_MAX], whole_b[PATH_MAX];

	if (!inside(in_a, a, whole_a) || !inside(in_b, b, whole_b) || in_a->dev != in_b->dev)
		return -1;
	for (size_t i = 0; i < r->ns->nr_mnts; i++) {
		const struct restore_mount *m = &r->ns->mnts[i];

		if (m->dev == in_a->dev && outside(m, whole_a, via_a) && outside(m, whole_b, via_b))
			return (int)m->mnt_id;
	}
	return -1;
}

int restore_ns_root_slot(struct restore *r, uint32_t id, struct img_err *err)
{
	struct mnt_root *root = img_array_more(&r->ns->roots, r->ns->nr_roots, &r->ns->room_roots);

	if (!root)
		return img_fail_nomem(err);
	r->ns->nr_roots++;
	root->id = id;
	root->fd = restore_shared_alloc(r, sizeof(*root->fd), err);
	return root->fd ? 0 : -1;
}

void restore_ns_keep_root(struct restore *r, uint32_t id, int fd)
{
	for (size_t i = 0; i < r->ns->nr_roots; i++)
		if (r->ns->roots[i].id == id)
			*r->ns->roots[i].fd = (uint32_t)fd;
}

int restore_ns_root_for(const struct restore *r, const struct restore_task *t, int mnt_id)
{
	uint32_t ns;

	if (!r->ns || r->ns->nr_roots < 2 || !(ns = ns_of_mount(r, mnt_id)))
		return -1;
	if (t->ids && t->ids->has_mnt_ns_id && t->ids->mnt_ns_id == ns)
		return -1;
	for (size_t i = 0; i < r->ns->nr_roots; i++)
		if (r->ns->roots[i].id == ns)
			return (int)*r->ns->roots[i].fd;
	return -1;
}

int restore_ns_switch(struct restore *r, int mnt_id, struct img_err *err)
{
	uint32_t ns;
	const struct more_ns *m;
	int fd;

	if (!r->ns || !r->ns->front_in || r->ns->nr_roots < 2)
		return 0;
	ns = ns_of_mount(r, mnt_id);
	if (!ns)
		ns = restore_ns_id(r, CLONE_NEWNS);
	if (ns == r->ns->front_in)
		return 0;
	m = restore_ns_find_more(r, CLONE_NEWNS, ns);
	fd = m && !m->root ? m->here : r->ns->mnt;
	if (setns(fd, CLONE_NEWNS) < 0)
		return img_fail_sys(err, "enter mount namespace %u", ns);
	r->ns->front_in = ns;
	return 0;
}
