/* engines/fd/ghost/ghost-restore.c -- how criu-restore brings back files that have no name.
 *
 * Before the first task is made each ghost is put on disk, under a temporary name in the directory where it was. Whoever
 * opens it gives it its old name for that moment, so that it looks afterwards like it did: "/path (deleted)". If something
 * else has that name now, the temporary one does. A directory cannot have two names: it gets the old one until all have
 * opened it; so does a file that is watched. When they have, all these names go. Directories that were on the way and are no more are made and go as well.
 */

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "criu-restore/files-own.h"
#include "criu-restore/guard.h"
#include "criu-restore/namespaces.h"
#include "criu-restore/watched.h"
#include "criuimg/array.h"
#include "criuimg/cleanup.h"
#include "criuimg/image.h"
#include "ghost-file.pb-c.h"
#include "kernel/mountctl.h"
#include "kernel/ns.h"
#include "remap-file-path.pb-c.h"

/* Images that know no remap_type say so by this bit of remap_id. */
#define OLD_GHOST_BIT (1u << 31)

struct ghost {
	uint32_t id;
	GhostFileEntry *rec;
	const char *name; /* of the first file that is this ghost */
	int mnt_id;	  /* of that file; -1: not known */
	char *path;	  /* where it lies meanwhile */
	bool in_place;	  /* under its own name, if that is free: see place_watched() */
	bool made;
};

struct remap {
	uint32_t orig_id;
	uint32_t ghost;	    /* id; 0: a link */
	int mnt_id;	    /* of the file; -1: not known */
	const char *linked; /* a name that the dump made for it, of a record of files.img */
	int linked_mnt_id;  /* of that */
};

/* A name that is made for the time being. */
struct made_name {
	const char *path;
	int mnt_id; /* by which mount it is reached */
	bool dir;
};

struct restore_ghosts {
	struct remap *remaps; /* by orig_id, ascending */
	size_t nr_remaps, remaps_room;
	struct ghost *ghosts; /* by id, ascending */
	size_t nr_ghosts, ghosts_room;
	struct made_name *names; /* made besides, in this order: directories on the way, other names */
	size_t nr_names, names_room;
	uint32_t *lock; /* shared: 1 while somebody plays with a name */
	struct restore_dead dead;
};

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

static struct ghost *find_ghost(const struct restore_ghosts *g, uint32_t id)
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

/* "/a/b" of "/a/b/c", "/" of "/c": its length with the slash. */
static size_t parent_len(const char *path)
{
	return (size_t)(strrchr(path, '/') - path) + 1;
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
	else if (asprintf(&path, "%.*s.criu-%d.%x", (int)parent_len(ghost->name), ghost->name, (int)getpid(), ghost->id) < 0)
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

/* ---- on disk ---- */

/* root: of the mount namespace it is in, -1: ours. */
static int find_place(int root, const char *path, struct ghost_place *p, struct img_err *err)
{
	char dir[PATH_MAX];

	p->path = path;
	p->base = strrchr(path, '/') + 1;
	snprintf(dir, sizeof(dir), "%.*s", (int)(p->base - path), path);
	p->dir = root < 0 ? open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC) : kern_open_in_root(root, dir, O_PATH | O_DIRECTORY);
	return p->dir < 0 ? img_fail_sys(err, "directory '%s'", dir) : 0;
}

/* The same, to make and change it there: the mount may be read-only, what was deleted from it was not. */
static int find_writable(const char *path, struct ghost_place *p, struct img_err *err)
{
	struct ghost_place seen = { -1, NULL, NULL };

	if (find_place(-1, path, &seen, err) < 0)
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
	if (asprintf(&other, "%.*s.criu-%d.%x", (int)parent_len(ghost->path), ghost->path, (int)getpid(), ghost->id) < 0)
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
	const struct ghost *ghost = find_ghost(r->files->ghosts, m->ghost);
	const char *name = restore_file_path(r, m->orig_id);
	char here[PATH_MAX], there[PATH_MAX], wanted[PATH_MAX];
	int via;

	if (m->mnt_id < 0 || ghost->in_place || m->mnt_id == ghost->mnt_id)
		return 0;
	if (snprintf(wanted, sizeof(wanted), "%.*s%s", (int)parent_len(name), name, strrchr(ghost->path, '/') + 1) >= PATH_MAX)
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

int restore_ghosts_prepare(struct restore *r, struct img_err *err)
{
	struct restore_ghosts *g = r->files->ghosts;
	cleanup_free struct ghost **order = in_order(g, err);

	if (!order || restore_dead_start(r, &g->dead, err) < 0)
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
		int ret = !m->linked ? make_reachable(r, m, err)
			  : restore_ns_switch(r, m->mnt_id, err) < 0 ? -1
							 : make_parents(r, name, m->mnt_id, err);

		if (ret < 0)
			return img_wrap(err, "'%s'", name);
	}
	/* From the inside out: making something in a directory sets its times. */
	for (size_t i = g->nr_ghosts; i-- > 0;)
		if (restore_ns_switch(r, order[i]->mnt_id, err) < 0 || set_attributes(r, order[i], err) < 0)
			return img_wrap(err, "ghost %#x '%s'", order[i]->id, order[i]->name);
	return 0;
}

/* ---- opening ---- */

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

	if (!same_mount && find_place(root, name, p, &ignored) == 0) {
		p->base = strrchr(path, '/') + 1;
		if (faccessat(p->dir, p->base, F_OK, AT_SYMLINK_NOFOLLOW) == 0)
			return 0;
		img_cleanup_fd(&p->dir);
	}
	return find_place(root, path, p, err);
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

	find_place(root, name, &then, &ignored);
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
	const struct ghost *ghost = m && !m->linked ? find_ghost(r->files->ghosts, m->ghost) : NULL;
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
