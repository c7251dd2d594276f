/* engines/fd/ghost/disk-restore.c -- the names under which files that have none lie on disk while they are opened: made in the front before the
 * first task is, and removed when all have opened what they open, or none of them is left.
 */

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "criu-restore/ghost-own.h"
#include "criu-restore/guard.h"
#include "criu-restore/namespaces.h"
#include "criuimg/array.h"
#include "criuimg/cleanup.h"
#include "kernel/mountctl.h"
#include "kernel/owner.h"

/* The same, to make and change it there: the mount may be read-only, what was deleted from it was not. */
static int find_writable(const char *path, struct ghost_place *p, struct img_err *err)
{
	struct ghost_place seen = { -1, NULL, NULL };

	if (ghost_place(-1, path, &seen, err) < 0)
		return -1;
	*p = seen;
	p->dir = kern_mount_writable(seen.dir, err);
	img_cleanup_fd(&seen.dir);
	return p->dir < 0 ? img_wrap(err, "directory of '%s'", path) : 0;
}

static int make_at(struct restore *r, struct ghost *ghost, struct img_err *err)
{
	struct ghost_place at = { -1, NULL, NULL };
	int ret = find_writable(ghost->path, &at, err);

	if (ret == 0)
		ret = restore_ghost_make(r, ghost->id, ghost->rec, &at, &ghost->made, err);
	img_cleanup_fd(&at.dir);
	return ret;
}

static int set_attributes(struct restore *r, const struct ghost *ghost, struct img_err *err)
{
	struct ghost_place at = { -1, NULL, NULL };
	int ret = find_writable(ghost->path, &at, err);

	if (ret == 0)
		ret = restore_ghost_attributes(r, ghost->rec, &at, err);
	img_cleanup_fd(&at.dir);
	return ret;
}

/* A directory is made where it was, and beside that when the name is in use. */
static int make_inode(struct restore *r, struct ghost *ghost, struct img_err *err)
{
	struct img_err why = IMG_ERR_INIT;
	char *other;

	if (!ghost->in_place)
		restore_guard_name(r, ghost->path);
	if (make_at(r, ghost, &why) == 0) {
		if (ghost->in_place)
			restore_guard_name(r, ghost->path);
		return 0;
	}
	if (!ghost->in_place || why.sys_errno != EEXIST) {
		*err = why;
		return -1;
	}
	if (asprintf(&other, "%.*s.criu-%d.%x", (int)ghost_parent_len(ghost->path), ghost->path, (int)getpid(), ghost->id) < 0)
		return img_fail_nomem(err);
	free(ghost->path);
	ghost->path = other;
	restore_guard_name(r, ghost->path);
	return make_at(r, ghost, err);
}

/* Another name of what is at `from`, which the same mount shows; NULL: a directory. */
static int make_name(struct restore *r, const char *path, int mnt_id, const char *from, struct img_err *err)
{
	struct restore_ghosts *g = r->files->ghosts;
	struct made_name *made = img_array_more(&g->names, g->nr_names, &g->names_room);
	struct ghost_place at = { -1, NULL, NULL };
	int ret = 0;

	if (!made || !(made->path = img_arena_strdup(&r->arena, path)))
		return img_fail_nomem(err);
	made->mnt_id = mnt_id;
	made->dir = !from;
	if (from)
		ret = link(from, path);
	else if (find_writable(path, &at, err) < 0)
		return -1;
	else
		ret = mkdirat(at.dir, at.base, 0755);
	img_cleanup_fd(&at.dir);
	if (ret < 0)
		return img_fail_sys(err, "make '%s'", path);
	g->nr_names++;
	restore_guard_name(r, made->path);
	log_info(r->log, "'%s' made for a deleted file", path);
	return 0;
}

/* The directories above path that are not there. */
static int make_parents(struct restore *r, const char *path, int mnt_id, struct img_err *err)
{
	char dir[PATH_MAX];
	struct stat st;

	for (const char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
		if ((size_t)(slash - path) >= sizeof(dir))
			return img_fail(err, IMG_CORRUPT, "'%s' is too long a path", path);
		memcpy(dir, path, (size_t)(slash - path));
		dir[slash - path] = '\0';
		if (stat(dir, &st) < 0 && errno == ENOENT && make_name(r, dir, mnt_id, NULL, err) < 0)
			return -1;
	}
	return 0;
}

/* A ghost that was opened by several mounts which show different directories of its file system gets a name in each of these, by a mount
 * that shows both: names cannot be linked from one mount to another. */
static int make_reachable(struct restore *r, const struct remap *m, struct img_err *err)
{
	const struct ghost *ghost = ghost_find(r->files->ghosts, m->ghost);
	const char *name = restore_file_path(r, m->orig_id);
	char here[PATH_MAX], there[PATH_MAX], wanted[PATH_MAX];
	int via;

	if (m->mnt_id < 0 || ghost->in_place || m->mnt_id == ghost->mnt_id)
		return 0;
	if (snprintf(wanted, sizeof(wanted), "%.*s%s", (int)ghost_parent_len(name), name, strrchr(ghost->path, '/') + 1) >= PATH_MAX)
		return img_fail(err, IMG_CORRUPT, "'%s' is too long a path", name);
	via = restore_ns_common(r, ghost->mnt_id, ghost->path, m->mnt_id, wanted, here, there);
	if (via < 0 || !strcmp(here, there))
		return 0;
	if (restore_ns_switch(r, via, err) < 0)
		return -1;
	/* It is hidden by another mount, or has been done for another file. */
	if (faccessat(AT_FDCWD, here, F_OK, AT_SYMLINK_NOFOLLOW) < 0 || faccessat(AT_FDCWD, there, F_OK, AT_SYMLINK_NOFOLLOW) == 0)
		return 0;
	return make_name(r, there, via, here, err);
}

/* Directories from the root down, then what may lie in them. */
static int compare_order(const void *va, const void *vb)
{
	const struct ghost *a = *(struct ghost *const *)va, *b = *(struct ghost *const *)vb;
	bool dir_a = S_ISDIR(a->rec->mode), dir_b = S_ISDIR(b->rec->mode);
	size_t len_a = strlen(a->name), len_b = strlen(b->name);

	if (dir_a != dir_b)
		return dir_a ? -1 : 1;
	if (len_a != len_b)
		return len_a < len_b ? -1 : 1;
	return a->id < b->id ? -1 : a->id > b->id;
}

static struct ghost **in_order(const struct restore_ghosts *g, struct img_err *err)
{
	struct ghost **order = calloc(g->nr_ghosts + 1, sizeof(*order));

	if (!order) {
		img_fail_nomem(err);
		return NULL;
	}
	for (size_t i = 0; i < g->nr_ghosts; i++)
		order[i] = &g->ghosts[i];
	qsort(order, g->nr_ghosts, sizeof(*order), compare_order);
	return order;
}

static int prepare(struct restore *r, struct img_err *err)
{
	struct restore_ghosts *g = r->files->ghosts;
	cleanup_free struct ghost **order = in_order(g, err);

	if (!order)
		return -1;
	for (size_t i = 0; i < g->nr_ghosts; i++) {
		struct ghost *ghost = order[i];

		if (restore_ns_switch(r, ghost->mnt_id, err) < 0 || make_parents(r, ghost->path, ghost->mnt_id, err) < 0 ||
			make_inode(r, ghost, err) < 0)
			return img_wrap(err, "ghost %#x '%s'", ghost->id, ghost->name);
		log_info(r->log, "ghost %#x: mode %#o, '%s' for now", ghost->id, ghost->rec->mode, ghost->path);
	}
	for (size_t i = 0; i < g->nr_remaps; i++) {
		const struct remap *m = &g->remaps[i];
		const char *name = restore_file_path(r, m->orig_id);
		int ret;

		if (m->linked)
			ret = restore_ns_switch(r, m->mnt_id, err) < 0 ? -1 : make_parents(r, name, m->mnt_id, err);
		else
			ret = make_reachable(r, m, err);
		if (ret < 0)
			return img_wrap(err, "'%s'", name);
	}
	/* From the inside out: making something in a directory sets its times. */
	for (size_t i = g->nr_ghosts; i-- > 0;)
		if (restore_ns_switch(r, order[i]->mnt_id, err) < 0 || set_attributes(r, order[i], err) < 0)
			return img_wrap(err, "ghost %#x '%s'", order[i]->id, order[i]->name);
	return 0;
}

int restore_ghosts_prepare(struct restore *r, struct img_err *err)
{
	struct img_err ignored = IMG_ERR_INIT;
	bool mapped = restore_ns_new(r, CLONE_NEWUSER);
	int ret;

	if (restore_dead_start(r, &r->files->ghosts->dead, err) < 0)
		return -1;
	if (mapped && kern_files_as(restore_front_uid(r, 0), restore_front_gid(r, 0), err) < 0)
		return -1;
	ret = prepare(r, err);
	if (mapped && kern_files_as(geteuid(), getegid(), ret < 0 ? &ignored : err) < 0)
		return -1;
	return ret;
}

/* ---- afterwards ---- */

static int remove_one(struct restore *r, const char *path, bool dir, struct img_err *err)
{
	struct ghost_place at = { -1, NULL, NULL };
	int ret = find_writable(path, &at, err);

	if (ret < 0 && err->sys_errno == ENOENT)
		return 0;
	if (ret == 0 && unlinkat(at.dir, at.base, dir ? AT_REMOVEDIR : 0) < 0 && errno != ENOENT)
		ret = img_fail_sys(err, "remove '%s'", path);
	img_cleanup_fd(&at.dir);
	if (ret < 0)
		log_warn(r->log, "%s", err->text);
	return ret;
}

int restore_ghosts_remove(struct restore *r, bool done, struct img_err *err)
{
	struct restore_ghosts *g = r->files->ghosts;
	cleanup_free struct ghost **order = NULL;
	int ret = 0;

	if (!g)
		return 0;
	restore_dead_end(&g->dead);
	order = in_order(g, err);
	if (!order)
		return -1;
	for (size_t i = g->nr_ghosts; i-- > 0;) {
		if (order[i]->made)
			ret |= restore_ns_switch(r, order[i]->mnt_id, err) < 0 ? -1 : remove_one(r, order[i]->path, S_ISDIR(order[i]->rec->mode), err);
		order[i]->made = false;
	}
	while (g->nr_names) {
		struct made_name *n = &g->names[--g->nr_names];

		ret |= restore_ns_switch(r, n->mnt_id, err) < 0 ? -1 : remove_one(r, n->path, n->dir, err);
	}
	for (size_t i = 0; done && i < g->nr_remaps; i++)
		if (g->remaps[i].linked)
			ret |= restore_ns_switch(r, g->remaps[i].mnt_id, err) < 0 ? -1 : remove_one(r, g->remaps[i].linked, false, err);
	return ret;
}
