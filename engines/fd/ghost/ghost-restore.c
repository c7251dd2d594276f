/* engines/fd/ghost/ghost-restore.c -- how criu-restore brings back files that have no name.
 *
 * Before the first task is made each ghost is put on disk (disk-restore.c), under a temporary name in the directory where it was. Whoever
 * opens it gives it its old name for that moment, so that it looks afterwards like it did: "/path (deleted)". If something
 * else has that name now, the temporary one does. A directory cannot have two names: it gets the old one until all have
 * opened it; so does a file that is watched. When they have, all these names go. Directories that were on the way and are no more are made
 * and go as well.
 */

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "criu-restore/ghost-own.h"
#include "criu-restore/namespaces.h"
#include "criu-restore/watched.h"
#include "criuimg/array.h"
#include "criuimg/cleanup.h"
#include "criuimg/image.h"
#include "kernel/mountctl.h"
#include "kernel/ns.h"
#include "remap-file-path.pb-c.h"

/* Images that know no remap_type say so by this bit of remap_id. */
#define OLD_GHOST_BIT (1u << 31)

static int compare_remaps(const void *va, const void *vb)
{
	const struct remap *a = va, *b = vb;

	return a->orig_id < b->orig_id ? -1 : a->orig_id > b->orig_id;
}

static int compare_ghosts(const void *va, const void *vb)
{
	const struct ghost *a = va, *b = vb;

	return a->id < b->id ? -1 : a->id > b->id;
}

struct ghost *ghost_find(const struct restore_ghosts *g, uint32_t id)
{
	struct ghost seek = { .id = id };

	return g->nr_ghosts ? bsearch(&seek, g->ghosts, g->nr_ghosts, sizeof(seek), compare_ghosts) : NULL;
}

static const struct remap *find_remap(const struct restore_ghosts *g, uint32_t orig_id)
{
	struct remap seek = { .orig_id = orig_id };

	return g->nr_remaps ? bsearch(&seek, g->remaps, g->nr_remaps, sizeof(seek), compare_remaps) : NULL;
}

/* ---- plan ---- */

static int mount_of(const struct restore *r, uint32_t id)
{
	const struct restore_file *file = restore_find_file(r, id);

	return file && file->rec->reg && file->rec->reg->has_mnt_id ? file->rec->reg->mnt_id : -1;
}

static int plan_remap(struct restore *r, const RemapFilePathEntry *rec, struct img_err *err)
{
	struct restore_ghosts *g = r->files->ghosts;
	bool old_ghost = !rec->has_remap_type && rec->remap_id & OLD_GHOST_BIT;
	const char *name = restore_file_path(r, rec->orig_id);
	struct remap *m;

	if (!name)
		return img_fail(err, IMG_CORRUPT, "remap-fpath.img: no file with the id %#x", rec->orig_id);
	if (rec->has_remap_type && rec->remap_type == REMAP_TYPE__PROCFS)
		return restore_dead_add(r, &g->dead, rec->remap_id, name, err);
	m = img_array_more(&g->remaps, g->nr_remaps, &g->remaps_room);
	if (!m)
		return img_fail_nomem(err);
	g->nr_remaps++;
	m->orig_id = rec->orig_id;
	m->mnt_id = mount_of(r, rec->orig_id);
	if (old_ghost || (rec->has_remap_type && rec->remap_type == REMAP_TYPE__GHOST)) {
		m->ghost = rec->remap_id & ~OLD_GHOST_BIT;
		return m->ghost ? 0 : img_fail(err, IMG_CORRUPT, "'%s' is a ghost without a number", name);
	}
	if (rec->has_remap_type && rec->remap_type != REMAP_TYPE__LINKED)
		return img_fail(err, IMG_UNSUPPORTED, "'%s' is remapped in a way (%d) that is not known", name, rec->remap_type);
	m->linked = restore_file_path(r, rec->remap_id);
	m->linked_mnt_id = mount_of(r, rec->remap_id);
	if (!m->linked)
		return img_fail(err, IMG_CORRUPT, "'%s' stands for file %#x, which is not there", name, rec->remap_id);
	return 0;
}

static int read_remaps(struct restore *r, struct img_err *err)
{
	struct img_reader *reader = NULL;
	ProtobufCMessage *msg;
	int ret;

	ret = img_reader_open(r->set, IMG_REMAP_FPATH, 0, &reader, err);
	if (ret <= 0)
		return ret;
	while ((ret = img_read(reader, &msg, err)) > 0) {
		ret = plan_remap(r, (RemapFilePathEntry *)msg, err);
		img_message_free(msg);
		if (ret < 0)
			break;
	}
	img_reader_close(reader);
	return ret;
}

static int check_ghost(const struct ghost *ghost, struct img_err *err)
{
	const GhostFileEntry *rec = ghost->rec;

	switch (rec->mode & S_IFMT) {
	case S_IFREG:
	case S_IFDIR:
	case S_IFIFO:
	case S_IFSOCK:
		break;
	case S_IFLNK:
		if (!rec->symlnk_target)
			return img_fail(err, IMG_CORRUPT, "is a symbolic link to nothing");
		break;
	case S_IFCHR:
	case S_IFBLK:
		if (!rec->has_rdev)
			return img_fail(err, IMG_CORRUPT, "is a device without a number");
		break;
	default:
		return img_fail(err, IMG_CORRUPT, "has mode %#o", rec->mode);
	}
	if (rec->has_chunks && rec->chunks && (!rec->has_size || rec->size > INT64_MAX))
		return img_fail(err, IMG_CORRUPT, "has holes and no size");
	return 0;
}

static int plan_ghost(struct restore *r, const struct remap *m, struct img_err *err)
{
	struct restore_ghosts *g = r->files->ghosts;
	struct img_reader *reader;
	struct ghost *ghost;
	char *path;

	ghost = img_array_more(&g->ghosts, g->nr_ghosts, &g->ghosts_room);
	if (!ghost)
		return img_fail_nomem(err);
	ghost->id = m->ghost;
	ghost->name = restore_file_path(r, m->orig_id);
	ghost->mnt_id = m->mnt_id;
	reader = restore_ghost_image(r, m->ghost, &ghost->rec, err);
	if (!reader)
		return -1;
	img_reader_close(reader);
	g->nr_ghosts++;
	if (ghost->name[0] != '/')
		return img_fail(err, IMG_CORRUPT, "'%s' is no path from the root", ghost->name);
	if (check_ghost(ghost, err) < 0)
		return img_wrap(err, "ghost %#x '%s'", ghost->id, ghost->name);
	ghost->in_place = S_ISDIR(ghost->rec->mode);
	if (ghost->in_place)
		path = strdup(ghost->name);
	else if (asprintf(&path, "%.*s.criu-%d.%x", (int)ghost_parent_len(ghost->name), ghost->name, (int)getpid(), ghost->id) < 0)
		path = NULL;
	ghost->path = path;
	return path ? 0 : img_fail_nomem(err);
}

static int compare_by_ghost(const void *va, const void *vb)
{
	const struct remap *a = va, *b = vb;

	if (a->ghost != b->ghost)
		return a->ghost < b->ghost ? -1 : 1;
	return compare_remaps(a, b);
}

/* The kernel forgets who watches an inode when the last of its names goes and nobody has it open by that very name. So those that are
 * watched lie under the name by which they will be opened. */
static int place_watched(struct restore *r, struct img_err *err)
{
	struct restore_ghosts *g = r->files->ghosts;

	for (size_t i = 0; i < g->nr_ghosts; i++) {
		struct ghost *ghost = &g->ghosts[i];

		if (ghost->in_place || !restore_is_watched(r, ghost->rec->dev, ghost->rec->ino))
			continue;
		ghost->in_place = true;
		free(ghost->path);
		ghost->path = strdup(ghost->name);
		if (!ghost->path)
			return img_fail_nomem(err);
	}
	return 0;
}

int restore_ghosts_plan(struct restore *r, struct img_err *err)
{
	struct restore_ghosts *g = r->files->ghosts = calloc(1, sizeof(*g));

	if (!g)
		return img_fail_nomem(err);
	if (read_remaps(r, err) < 0)
		return -1;
	if (g->nr_remaps)
		qsort(g->remaps, g->nr_remaps, sizeof(*g->remaps), compare_by_ghost);
	for (size_t i = 0; i < g->nr_remaps; i++) {
		const struct remap *m = &g->remaps[i];

		if (m->ghost && (i == 0 || g->remaps[i - 1].ghost != m->ghost) && plan_ghost(r, m, err) < 0)
			return -1;
	}
	if (g->nr_remaps)
		qsort(g->remaps, g->nr_remaps, sizeof(*g->remaps), compare_remaps);
	if (place_watched(r, err) < 0)
		return -1;
	g->lock = restore_shared_alloc(r, sizeof(*g->lock), err);
	return g->lock ? 0 : -1;
}

/* ---- opening ---- */

int ghost_place(int root, const char *path, struct ghost_place *p, struct img_err *err)
{
	char dir[PATH_MAX];

	p->path = path;
	p->base = strrchr(path, '/') + 1;
	snprintf(dir, sizeof(dir), "%.*s", (int)(p->base - path), path);
	p->dir = root < 0 ? open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC) : kern_open_in_root(root, dir, O_PATH | O_DIRECTORY);
	return p->dir < 0 ? img_fail_sys(err, "directory '%s'", dir) : 0;
}

static int take_lock(struct restore *r, uint32_t *lock, struct img_err *err)
{
	uint32_t free_now = 0;

	while (!__atomic_compare_exchange_n(lock, &free_now, 1, false, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED)) {
		if (restore_wait(r, lock, 0, err) < 0)
			return -1;
		free_now = 0;
	}
	return 0;
}

/* Where the thing is that lies at path for now, seen through the mount that it was opened by as `name`: the same directory may be mounted
 * in several places. Else at path. */
static int find_through(int root, const char *path, const char *name, bool same_mount, struct ghost_place *p, struct img_err *err)
{
	struct img_err ignored = IMG_ERR_INIT;

	if (!same_mount && ghost_place(root, name, p, &ignored) == 0) {
		p->base = strrchr(path, '/') + 1;
		if (faccessat(p->dir, p->base, F_OK, AT_SYMLINK_NOFOLLOW) == 0)
			return 0;
		img_cleanup_fd(&p->dir);
	}
	return ghost_place(root, path, p, err);
}

static int open_between(const struct ghost_place *now, const struct ghost_place *then, int flags, struct img_err *err)
{
	struct img_err ignored = IMG_ERR_INIT;
	cleanup_fd int way = then->dir >= 0 ? kern_mount_writable(then->dir, &ignored) : -1;
	/* Names can be linked within one mount only: the old name's directory may be that of both. */
	bool named = way >= 0 && (linkat(now->dir, now->base, way, then->base, 0) == 0 ||
					 linkat(way, now->base, way, then->base, 0) == 0);
	int fd = named ? openat(then->dir, then->base, flags) : openat(now->dir, now->base, flags), saved = errno;

	if (named && unlinkat(way, then->base, 0) < 0) {
		img_cleanup_fd(&fd);
		return img_fail_sys(err, "remove '%s' again", then->path);
	}
	errno = saved;
	return fd < 0 ? img_fail_sys(err, "open '%s'", now->path) : fd;
}

/* Open what is at `now`, under its old name if that can be. */
static int open_as(struct restore *r, int root, const struct ghost_place *now, const char *name, int flags, struct img_err *err)
{
	uint32_t *lock = r->files->ghosts->lock;
	struct ghost_place then = { -1, NULL, NULL };
	struct img_err ignored = IMG_ERR_INIT;
	int fd = -1;

	ghost_place(root, name, &then, &ignored);
	if (take_lock(r, lock, err) == 0) {
		fd = open_between(now, &then, flags, err);
		restore_post(lock, 0);
	}
	img_cleanup_fd(&then.dir);
	return fd;
}

bool restore_is_ghost(const struct restore *r, const RegFileEntry *reg, const char **path)
{
	const struct remap *m = find_remap(r->files->ghosts, reg->id);

	*path = m ? m->linked : NULL;
	return m != NULL;
}

int restore_open_ghost(struct restore *r, struct restore_task *t, const RegFileEntry *reg, int flags, int *fd, struct img_err *err)
{
	int mnt_id = reg->has_mnt_id ? reg->mnt_id : -1, root = restore_ns_root_for(r, t, mnt_id);
	const struct remap *m = find_remap(r->files->ghosts, reg->id);
	const struct ghost *ghost = m && !m->linked ? ghost_find(r->files->ghosts, m->ghost) : NULL;
	struct ghost_place now = { -1, NULL, NULL };

	if (!m)
		return 0;
	if (find_through(root, ghost ? ghost->path : m->linked, reg->name, mnt_id == (ghost ? ghost->mnt_id : m->linked_mnt_id), &now, err) < 0)
		return -1;
	if (!ghost || !ghost->in_place)
		*fd = open_as(r, root, &now, reg->name, flags, err);
	else if ((*fd = openat(now.dir, now.base, flags)) < 0)
		img_fail_sys(err, "open '%s'", now.path);
	img_cleanup_fd(&now.dir);
	return *fd < 0 ? -1 : 1;
}

bool restore_has_ghosts(const struct restore *r)
{
	return r->files->ghosts && r->files->ghosts->nr_remaps;
}

const char *restore_ghost_path(const struct restore *r, uint32_t dev, uint64_t ino)
{
	const struct restore_ghosts *g = r->files->ghosts;

	for (size_t i = 0; i < g->nr_ghosts; i++) {
		const struct ghost *ghost = &g->ghosts[i];

		if (ghost->rec->has_dev && ghost->rec->has_ino && ghost->rec->dev == dev && ghost->rec->ino == ino)
			return ghost->path;
	}
	return NULL;
}

void restore_files_stop(struct restore *r)
{
	if (r->files && r->files->ghosts)
		restore_dead_end(&r->files->ghosts->dead);
}

void restore_ghosts_free(struct restore *r)
{
	struct restore_ghosts *g = r->files->ghosts;

	if (!g)
		return;
	for (size_t i = 0; i < g->nr_ghosts; i++) {
		img_message_free(&g->ghosts[i].rec->base);
		free(g->ghosts[i].path);
	}
	free(g->names);
	restore_dead_end(&g->dead);
	free(g->ghosts);
	free(g->remaps);
	free(g);
	r->files->ghosts = NULL;
}
