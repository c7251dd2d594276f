/* engines/criu-restore/ns-mounts.c -- which mount namespace a file is in.
 *
 * A tree may have several. The room mnt says which mount of the images is in which; whoever opens a file asks with the file's
 * mount: a task gets the root directory of the other namespace, the front goes into it.
 */

#include <sched.h>
#include <stdlib.h>

#include "criu-restore/namespaces-own.h"
#include "criuimg/array.h"

static int by_mnt_id(const void *va, const void *vb)
{
	const struct mnt_place *a = va, *b = vb;

	return a->mnt_id < b->mnt_id ? -1 : a->mnt_id > b->mnt_id;
}

int restore_ns_mount(struct restore *r, uint32_t mnt_id, uint32_t ns, struct img_err *err)
{
	struct mnt_place *at = img_array_more(&r->ns->mnts, r->ns->nr_mnts, &r->ns->room_mnts);

	if (!at)
		return img_fail_nomem(err);
	*at = (struct mnt_place){ mnt_id, ns };
	r->ns->nr_mnts++;
	qsort(r->ns->mnts, r->ns->nr_mnts, sizeof(*r->ns->mnts), by_mnt_id);
	return 0;
}

static uint32_t ns_of_mount(const struct restore *r, int mnt_id)
{
	struct mnt_place seek = { .mnt_id = (uint32_t)mnt_id }, *found;

	if (mnt_id < 0 || !r->ns->nr_mnts)
		return 0;
	found = bsearch(&seek, r->ns->mnts, r->ns->nr_mnts, sizeof(seek), by_mnt_id);
	return found ? found->ns : 0;
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
