/* engines/ns/mnt/propagation-restore.c -- peer groups, masters and slaves (mount_namespaces(7)), when all mounts are where they belong.
 *
 * A group is begun by one of its members, which is made shared; MOVE_MOUNT_SET_GROUP puts the others into it. That wants
 * mounts of one file system, the first with the wider root: where no member is as wide as all of them a mount of the whole stands
 * in, in the yard, and goes with it. A group with a master is begun by a mount that is first put into the master's group and
 * then made a slave.
 */

#include <stdio.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "criu-restore/mnt-own.h"
#include "criuimg/cleanup.h"
#include "kernel/mountctl.h"
#include "kernel/mountinfo.h"

struct group {
	uint32_t shared, master;
	int fd;	    /* a mount that is in it; -1: not begun */
	bool stand_in;
	bool done;
};

bool mnt_keeps_master(const struct mnt_plan *p, const struct mnt_mount *m)
{
	if (!m->external || !m->entry->has_master_id || !m->entry->master_id || (m->entry->has_shared_id && m->entry->shared_id))
		return false;
	for (size_t i = 0; i < p->nr; i++)
		if (p->mounts[i].entry->has_shared_id && p->mounts[i].entry->shared_id == m->entry->master_id)
			return false;
	return true;
}

struct groups {
	struct group *items;
	size_t nr;
};

static uint32_t shared_of(const struct mnt_mount *m)
{
	return m->entry->has_shared_id ? m->entry->shared_id : 0;
}

static uint32_t master_of(const struct mnt_mount *m)
{
	return m->entry->has_master_id ? m->entry->master_id : 0;
}

static struct group *find(struct groups *g, uint32_t shared)
{
	for (size_t i = 0; i < g->nr; i++)
		if (g->items[i].shared == shared)
			return &g->items[i];
	return NULL;
}

/* The member that the others' roots are all below, or NULL. */
static const struct mnt_mount *widest(const struct mnt_plan *p, uint32_t shared)
{
	const struct mnt_mount *best = NULL;

	for (size_t i = 0; i < p->nr; i++)
		if (shared_of(&p->mounts[i]) == shared &&
			(!best || strlen(p->mounts[i].entry->root) < strlen(best->entry->root)))
			best = &p->mounts[i];
	for (size_t i = 0; best && i < p->nr; i++)
		if ((shared_of(&p->mounts[i]) == shared || master_of(&p->mounts[i]) == shared) &&
			p->mounts[i].sb == best->sb && !kern_path_below(p->mounts[i].entry->root, best->entry->root))
			return NULL;
	return best;
}

/* A mount of the whole file system that member is of. */
static int stand_in(struct mnt_plan *p, const struct group *g, const struct mnt_mount *member, struct img_err *err)
{
	cleanup_fd int fd = -1, place = -1;
	int at = member->sb->fd >= 0 ? member->sb->fd : p->root->source;
	char name[32];

	if (member->sb->fd < 0 && !member->sb->from_root)
		return img_fail(err, IMG_UNSUPPORTED, "peer group %u of an external file system has no member that all of it is in",
			g->shared);
	fd = (int)syscall(SYS_open_tree, at, "", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH);
	if (fd < 0)
		return img_fail_sys(err, "peer group %u", g->shared);
	snprintf(name, sizeof(name), "group-%u", g->shared);
	place = mnt_yard_place(p, name, true, err);
	if (place < 0 || kern_mount_move(fd, place, err) < 0)
		return -1;
	return steal_fd(&fd);
}

/* Begin a group; its master, if any, has been begun. */
static int begin(struct mnt_plan *p, struct groups *all, struct group *g, struct img_err *err)
{
	const struct mnt_mount *m = widest(p, g->shared);
	const struct group *master = g->master ? find(all, g->master) : NULL;

	if (m) {
		g->fd = m->fd;
	} else {
		for (size_t i = 0; i < p->nr && !m; i++)
			if (shared_of(&p->mounts[i]) == g->shared)
				m = &p->mounts[i];
		g->fd = stand_in(p, g, m, err);
		if (g->fd < 0)
			return -1;
		g->stand_in = true;
	}
	if (master && (kern_mount_set_group(master->fd, g->fd, err) < 0 || kern_mount_propagation(g->fd, MS_SLAVE, err) < 0))
		return img_wrap(err, "peer group %u, slave of %u", g->shared, g->master);
	if (kern_mount_propagation(g->fd, MS_SHARED, err) < 0)
		return img_wrap(err, "peer group %u", g->shared);
	g->done = true;
	return 0;
}

static int collect(struct mnt_plan *p, struct groups *all, struct img_err *err)
{
	all->items = calloc(p->nr + 1, sizeof(*all->items));
	if (!all->items)
		return img_fail_nomem(err);
	for (size_t i = 0; i < p->nr; i++) {
		uint32_t shared = shared_of(&p->mounts[i]);

		if (!shared || find(all, shared))
			continue;
		all->items[all->nr++] = (struct group){ .shared = shared, .master = master_of(&p->mounts[i]), .fd = -1 };
	}
	return 0;
}

static int begin_all(struct restore *r, struct mnt_plan *p, struct groups *all, struct img_err *err)
{
	size_t done = 0, before;

	/* A master that is not in the image is outside, and cannot be had. */
	for (size_t i = 0; i < all->nr; i++)
		if (all->items[i].master && !find(all, all->items[i].master)) {
			log_warn(r->log, "peer group %u: its master, group %u, is outside: it has none now", all->items[i].shared,
				all->items[i].master);
			all->items[i].master = 0;
		}
	do {
		before = done;
		for (size_t i = 0; i < all->nr; i++) {
			struct group *g = &all->items[i];

			if (g->done || (g->master && !find(all, g->master)->done))
				continue;
			if (begin(p, all, g, err) < 0)
				return -1;
			done++;
		}
	} while (done != before);
	return done == all->nr ? 0 : img_fail(err, IMG_CORRUPT, "peer groups that are each other's masters");
}

static int join(struct restore *r, struct mnt_plan *p, struct groups *all, struct mnt_mount *m, struct img_err *err)
{
	uint32_t shared = shared_of(m), master = master_of(m);
	const struct group *g = shared ? find(all, shared) : master ? find(all, master) : NULL;

	if (g && g->fd != m->fd) {
		if (kern_mount_set_group(g->fd, m->fd, err) < 0)
			return -1;
		if (!shared && kern_mount_propagation(m->fd, MS_SLAVE, err) < 0)
			return -1;
	} else if (!g && master && !mnt_keeps_master(p, m)) {
		log_warn(r->log, "mount %u '%s': its master, group %u, is outside: it has none now", m->entry->mnt_id,
			m->entry->mountpoint, master);
	}
	if (m->entry->flags & MS_UNBINDABLE && kern_mount_propagation(m->fd, MS_UNBINDABLE, err) < 0)
		return -1;
	return 0;
}

int mnt_propagate(struct restore *r, struct mnt_plan *p, struct img_err *err)
{
	struct groups all = { 0 };
	int ret = collect(p, &all, err);

	if (ret == 0)
		ret = begin_all(r, p, &all, err);
	for (size_t i = 0; ret == 0 && i < p->nr; i++) {
		ret = join(r, p, &all, &p->mounts[i], err);
		if (ret < 0)
			img_wrap(err, "mount %u '%s'", p->mounts[i].entry->mnt_id, p->mounts[i].entry->mountpoint);
	}
	for (size_t i = 0; i < all.nr; i++)
		if (all.items[i].stand_in)
			close(all.items[i].fd);
	free(all.items);
	return ret;
}
