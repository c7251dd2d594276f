/* engines/ns/mnt/mnt-restore.c -- how criu-restore builds a mount namespace.
 *
 * All is put together aside, in a *yard*: a tmpfs that is mounted where nobody looks. Each file system of the image is mounted
 * there once, or bound from outside, and filled; each mount of the image is a clone of a part of it (open_tree(2)), with its
 * flags, at a place of its own in the yard. Then every mount is moved onto the one that it was mounted on, the deepest places of
 * each first, so that none hides another's place; all of it is private up to here. Peer groups come last
 * (propagation-restore.c). The root of it becomes the root of the namespace (pivot_root(2)), and what was there before goes.
 */

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "criu-restore/mnt-own.h"
#include "criu-restore/namespaces.h"
#include "criu-restore/ns_ops.h"
#include "criuimg/array.h"
#include "criuimg/cleanup.h"
#include "criuimg/image.h"
#include "kernel/mountinfo.h"
#include "kernel/mountctl.h"
#include "options/external.h"

extern const struct ns_restore_ops mnt_restore_ops;

/* ---- the plan ---- */

static void free_plan(struct mnt_plan *p)
{
	for (size_t i = 0; i < p->nr; i++) {
		img_cleanup_fd(&p->mounts[i].source);
		img_cleanup_fd(&p->mounts[i].fd);
		img_message_free(&p->mounts[i].entry->base);
	}
	for (size_t i = 0; i < p->nr_sbs; i++)
		img_cleanup_fd(&p->sbs[i].fd);
	img_cleanup_fd(&p->yard);
	free(p->mounts);
	free(p->roots);
	free(p->sbs);
	*p = (struct mnt_plan){ .yard = -1 };
}

static int check_entry(const MntEntry *e, struct img_err *err)
{
	if (e->mountpoint[0] != '/' || e->root[0] != '/')
		return img_fail(err, IMG_CORRUPT, "'%s' of '%s' is no path from the root", e->mountpoint, e->root);
	if (e->has_with_plugin && e->with_plugin)
		return img_fail(err, IMG_UNSUPPORTED, "'%s' was saved by a plugin", e->mountpoint);
	return 0;
}

static int read_mounts(struct restore *r, struct mnt_plan *p, uint32_t id, struct img_err *err)
{
	struct img_reader *reader;
	ProtobufCMessage *msg;
	int ret = img_reader_open(r->set, IMG_MNTS, id, &reader, err);

	if (ret <= 0)
		return ret < 0 ? -1 : img_fail(err, IMG_CORRUPT, "mountpoints-%u.img is missing", id);
	while ((ret = img_read(reader, &msg, err)) > 0) {
		struct mnt_mount *m = img_array_more(&p->mounts, p->nr, &p->room);

		if (!m) {
			img_message_free(msg);
			ret = img_fail_nomem(err);
			break;
		}
		p->nr++;
		m->entry = (MntEntry *)msg;
		m->source = m->fd = -1;
		m->ns = id;
		ret = check_entry(m->entry, err);
		if (ret < 0) {
			img_wrap(err, "mount %u", m->entry->mnt_id);
			break;
		}
	}
	img_reader_close(reader);
	return ret;
}

static struct mnt_mount *by_id(const struct mnt_plan *p, uint32_t ns, uint32_t id)
{
	for (size_t i = 0; i < p->nr; i++)
		if (p->mounts[i].entry->mnt_id == id && p->mounts[i].ns == ns)
			return &p->mounts[i];
	return NULL;
}

static int plan_parent(struct restore *r, struct mnt_plan *p, struct mnt_mount *m, struct img_err *err)
{
	size_t k = 0;

	m->parent = by_id(p, m->ns, m->entry->parent_mnt_id);
	if (m->parent == m)
		return img_fail(err, IMG_CORRUPT, "mount %u is on itself", m->entry->mnt_id);
	if (m->parent && !kern_path_below(m->entry->mountpoint, m->parent->entry->mountpoint))
		return img_fail(err, IMG_CORRUPT, "mount %u at '%s' is on mount %u, at '%s'", m->entry->mnt_id, m->entry->mountpoint,
			m->parent->entry->mnt_id, m->parent->entry->mountpoint);
	if (m->parent)
		return 0;
	while (restore_ns_nth(r, CLONE_NEWNS, k) != m->ns)
		k++;
	if (p->roots[k] || strcmp(m->entry->mountpoint, "/"))
		return img_fail(err, IMG_CORRUPT, "mount %u at '%s' is on mount %u, which is not there", m->entry->mnt_id,
			m->entry->mountpoint, m->entry->parent_mnt_id);
	p->roots[k] = m;
	return 0;
}

static int plan_parents(struct restore *r, struct mnt_plan *p, struct img_err *err)
{
	while (restore_ns_nth(r, CLONE_NEWNS, p->nr_ns))
		p->nr_ns++;
	p->roots = calloc(p->nr_ns, sizeof(*p->roots));
	if (!p->roots)
		return img_fail_nomem(err);
	for (size_t i = 0; i < p->nr; i++)
		if (plan_parent(r, p, &p->mounts[i], err) < 0)
			return -1;
	for (size_t i = 0; i < p->nr_ns; i++)
		if (!p->roots[i])
			return img_fail(err, IMG_CORRUPT, "mountpoints-%u.img: no root", restore_ns_nth(r, CLONE_NEWNS, i));
	p->root = p->roots[0];
	/* A circle has no way to the root. */
	for (size_t i = 0; i < p->nr; i++) {
		const struct mnt_mount *m = &p->mounts[i];

		for (size_t steps = 0; m; m = m->parent)
			if (steps++ > p->nr)
				return img_fail(err, IMG_CORRUPT, "mount %u is below itself", p->mounts[i].entry->mnt_id);
	}
	return 0;
}

/* Where an external mount comes from: what --external says of its key. */
static int plan_external(struct restore *r, struct mnt_mount *m, struct img_err *err)
{
	const char *key = m->entry->ext_key;

	if (!key || !*key)
		return 0;
	m->external = options_external(r->opt, "mnt[%s]", key);
	if (!m->external || !*m->external)
		return img_fail(err, IMG_UNSUPPORTED, "mount %u '%s' is external: --external mnt[%s]:PATH says where it comes from",
			m->entry->mnt_id, m->entry->mountpoint, key);
	return 0;
}

static struct mnt_sb *sb_of(struct mnt_plan *p, uint32_t dev)
{
	for (size_t i = 0; i < p->nr_sbs; i++)
		if (p->sbs[i].dev == dev)
			return &p->sbs[i];
	p->sbs[p->nr_sbs] = (struct mnt_sb){ .dev = dev, .fd = -1 };
	return &p->sbs[p->nr_sbs++];
}

/* Mounts of one device are parts of one file system. */
static int plan_sbs(struct restore *r, struct mnt_plan *p, struct img_err *err)
{
	p->sbs = calloc(p->nr, sizeof(*p->sbs));
	if (!p->sbs)
		return img_fail_nomem(err);
	for (size_t i = 0; i < p->nr; i++) {
		struct mnt_mount *m = &p->mounts[i];

		if (plan_external(r, m, err) < 0)
			return -1;
		m->sb = sb_of(p, m->entry->root_dev);
		if (!m->sb->entry || strlen(m->entry->root) < strlen(m->sb->entry->root))
			m->sb->entry = m->entry;
		m->sb->from_root |= m == p->root;
	}
	return 0;
}

static bool can_mount(const MntEntry *e)
{
	return e->fstype != FSTYPE__UNSUPPORTED && e->fstype != FSTYPE__FUSE && e->fstype != FSTYPE__SIMFS &&
	       e->fstype != FSTYPE__AUFS && e->fstype != FSTYPE__AUTOFS && (e->fstype != FSTYPE__AUTO || e->fsname);
}

/* What a mount of the root's file system, or of an external one, is below the part that we are given. */
static const char *part_of(const struct mnt_plan *p, const struct mnt_mount *m, const struct mnt_mount **given)
{
	*given = NULL;
	if (m->external || m == p->root) {
		*given = m;
		return "";
	}
	for (size_t i = 0; i < p->nr; i++) {
		const struct mnt_mount *o = &p->mounts[i];
		const char *rest;

		if (o->sb != m->sb || (!o->external && o != p->root))
			continue;
		rest = kern_path_below(m->entry->root, o->entry->root);
		if (!rest)
			continue;
		*given = o;
		return rest;
	}
	return NULL;
}

static int check_sources(const struct mnt_plan *p, struct img_err *err)
{
	for (size_t i = 0; i < p->nr; i++) {
		const struct mnt_mount *m = &p->mounts[i], *given;

		part_of(p, m, &given);
		if (given || (can_mount(m->entry) && !m->sb->from_root))
			continue;
		return img_fail(err, IMG_UNSUPPORTED, "mount %u '%s' of '%s' (%s) comes from outside of the tree", m->entry->mnt_id,
			m->entry->mountpoint, m->entry->root, m->entry->source);
	}
	return 0;
}

static int read_plan(struct restore *r, struct mnt_plan *p, struct img_err *err)
{
	uint32_t id;

	*p = (struct mnt_plan){ .yard = -1 };
	for (size_t i = 0; (id = restore_ns_nth(r, CLONE_NEWNS, i)); i++)
		if (read_mounts(r, p, id, err) < 0)
			return -1;
	if (plan_parents(r, p, err) < 0 || plan_sbs(r, p, err) < 0)
		return -1;
	return check_sources(p, err);
}

/* All of them at once, when the root's is asked for. */
static int mnt_plan(struct restore *r, uint32_t id, struct img_err *err)
{
	struct mnt_plan p;
	int ret;

	if (id != restore_ns_id(r, CLONE_NEWNS))
		return 0;
	ret = read_plan(r, &p, err);
	for (size_t i = 0; ret == 0 && i < p.nr; i++)
		ret = restore_ns_mount(r, p.mounts[i].entry->mnt_id, p.mounts[i].ns, err);
	for (size_t i = 0; ret == 0 && i < p.nr_ns; i++)
		ret = restore_ns_root_slot(r, p.roots[i]->ns, err);
	free_plan(&p);
	return ret;
}

/* ---- the yard ---- */

/* The descriptor of a directory of the yard stays good when the yard is hidden. */
static int make_yard(struct mnt_plan *p, struct img_err *err)
{
	static const char *const places[] = { "/tmp", "/run", "/mnt", "/var", "/usr", "/etc" };

	for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
		if (mount("yard", places[i], "tmpfs", MS_NOEXEC | MS_NOSUID, "mode=700") < 0)
			continue;
		p->yard = open(places[i], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		return p->yard < 0 ? img_fail_sys(err, "%s", places[i]) : 0;
	}
	return img_fail_sys(err, "no directory to build on");
}

static void yard_name(const struct mnt_mount *m, char name[32])
{
	snprintf(name, 32, "mnt-%u", m->entry->mnt_id);
}

int mnt_yard_place(struct mnt_plan *p, const char *name, bool dir, struct img_err *err)
{
	if (dir ? mkdirat(p->yard, name, 0700) < 0 : mknodat(p->yard, name, S_IFREG | 0600, 0) < 0)
		return img_fail_sys(err, "a place to mount on");
	return openat(p->yard, name, O_PATH | O_CLOEXEC | O_NOFOLLOW);
}

/* Before anything is hidden. */
static int open_sources(struct restore *r, struct mnt_plan *p, struct img_err *err)
{
	for (size_t i = 0; i < p->nr; i++) {
		struct mnt_mount *m = &p->mounts[i];
		const char *path = m->external;

		if (m == p->root && !path)
			path = r->opt->root ? r->opt->root : "/";
		if (!path)
			continue;
		m->source = open(path, O_PATH | O_CLOEXEC);
		if (m->source < 0)
			return img_fail_sys(err, "mount %u '%s': %s", m->entry->mnt_id, m->entry->mountpoint, path);
	}
	return 0;
}

/* ---- file systems ---- */

static const struct {
	uint32_t code;
	const char *name;
} names[] = {
	{ FSTYPE__PROC, "proc" },	  { FSTYPE__SYSFS, "sysfs" },	{ FSTYPE__DEVTMPFS, "devtmpfs" },
	{ FSTYPE__BINFMT_MISC, "binfmt_misc" }, { FSTYPE__TMPFS, "tmpfs" }, { FSTYPE__DEVPTS, "devpts" },
	{ FSTYPE__PSTORE, "pstore" },	  { FSTYPE__SECURITYFS, "securityfs" }, { FSTYPE__FUSECTL, "fusectl" },
	{ FSTYPE__DEBUGFS, "debugfs" },	  { FSTYPE__TRACEFS, "tracefs" },	{ FSTYPE__CGROUP, "cgroup" },
	{ FSTYPE__CGROUP2, "cgroup2" },	  { FSTYPE__MQUEUE, "mqueue" },		{ FSTYPE__OVERLAYFS, "overlay" },
};

static const char *fs_name(const MntEntry *e)
{
	if (e->fstype == FSTYPE__AUTO)
		return e->fsname;
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (names[i].code == e->fstype)
			return names[i].name;
	return NULL;
}

static int mount_sb(struct restore *r, struct mnt_plan *p, struct mnt_sb *sb, struct img_err *err)
{
	const MntEntry *e = sb->entry;
	unsigned long flags = e->has_sb_flags ? e->sb_flags : 0;
	char name[32], path[64];
	cleanup_fd int place = -1;

	snprintf(name, sizeof(name), "sb-%u", sb->dev);
	place = mnt_yard_place(p, name, true, err);
	if (place < 0)
		return -1;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", place);
	/* Read-only comes when it is filled. */
	if (mount(e->source, path, fs_name(e), flags & ~(unsigned long)MS_RDONLY, e->options) < 0)
		return img_fail_sys(err, "mount %s '%s' (%s)", fs_name(e), e->mountpoint, e->options);
	sb->fd = openat(p->yard, name, O_PATH | O_CLOEXEC);
	if (sb->fd < 0)
		return img_fail_sys(err, "mount %s '%s'", fs_name(e), e->mountpoint);
	if (mnt_fill(r, sb, err) < 0)
		return -1;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", sb->fd);
	if (flags & MS_RDONLY && mount(NULL, path, NULL, MS_REMOUNT | flags, e->options) < 0)
		return img_fail_sys(err, "make %s '%s' read-only", fs_name(e), e->mountpoint);
	return 0;
}

/* ---- mounts ---- */

/* A directory or file that was removed and is mounted all the same: there while it is bound. */
static int make_deleted(int at, const char *path, bool dir, struct img_err *err)
{
	if (dir ? mkdirat(at, path, 0755) < 0 : mknodat(at, path, S_IFREG | 0600, 0) < 0)
		return img_fail_sys(err, "make '%s', which was deleted", path);
	return 0;
}

/* A detached clone of the part that the mount shows. */
static int clone_part(struct mnt_plan *p, struct mnt_mount *m, struct img_err *err)
{
	const struct mnt_mount *given;
	const char *rest = part_of(p, m, &given);
	int at = given ? given->source : m->sb->fd;
	bool deleted = m->entry->has_deleted && m->entry->deleted, dir = true;
	int fd;

	if (!given) {
		rest = m->entry->root;
		while (*rest == '/')
			rest++;
	}
	if (deleted && make_deleted(at, rest, dir, err) < 0)
		return -1;
	fd = (int)syscall(SYS_open_tree, at, rest, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW);
	if (fd < 0)
		return img_fail_sys(err, "clone '%s' of %s", m->entry->root, m->entry->source);
	if (deleted && unlinkat(at, rest, dir ? AT_REMOVEDIR : 0) < 0) {
		close(fd);
		return img_fail_sys(err, "remove '%s' again", rest);
	}
	return fd;
}

static int make_mount(struct restore *r, struct mnt_plan *p, struct mnt_mount *m, struct img_err *err)
{
	cleanup_fd int fd = -1, place = -1;
	struct stat st;
	char name[32];

	/* Cloned mounts can be bound from only where they are attached. */
	if (!m->external && m != p->root && m->sb->fd < 0 && !m->sb->from_root) {
		const struct mnt_mount *given;

		part_of(p, m, &given);
		if (!given && mount_sb(r, p, m->sb, err) < 0)
			return -1;
	}
	fd = clone_part(p, m, err);
	if (fd < 0)
		return -1;
	if (kern_mount_flags(fd, m->entry->flags, err) < 0)
		return -1;
	if (fstat(fd, &st) < 0)
		return img_fail_sys(err, "stat");
	yard_name(m, name);
	place = mnt_yard_place(p, name, S_ISDIR(st.st_mode), err);
	if (place < 0 || kern_mount_move(fd, place, err) < 0)
		return -1;
	m->fd = steal_fd(&fd);
	log_info(r->log, "mount %u: '%s' of '%s' (%s)", m->entry->mnt_id, m->entry->mountpoint, m->entry->root, m->entry->source);
	return 0;
}

/* ---- putting them together ---- */

static int by_depth(const void *va, const void *vb)
{
	const struct mnt_mount *a = *(struct mnt_mount *const *)va, *b = *(struct mnt_mount *const *)vb;
	size_t len_a = strlen(a->entry->mountpoint), len_b = strlen(b->entry->mountpoint);

	if (len_a != len_b)
		return len_a > len_b ? -1 : 1;
	return a < b ? -1 : 1;
}

/* Onto the place of its parent where it was. From a descriptor of the parent's root nothing that lies over that is seen. */
static int place_mount(struct mnt_mount *m, struct img_err *err)
{
	const char *rest = kern_path_below(m->entry->mountpoint, m->parent->entry->mountpoint);
	cleanup_fd int place = -1;

	if (*rest) {
		place = openat(m->parent->fd, rest, O_PATH | O_NOFOLLOW | O_CLOEXEC);
		if (place < 0)
			return img_fail_sys(err, "its place, '%s'", m->entry->mountpoint);
	}
	return kern_mount_move(m->fd, *rest ? place : m->parent->fd, err);
}

static int place_all(struct mnt_plan *p, struct img_err *err)
{
	cleanup_free struct mnt_mount **order = calloc(p->nr, sizeof(*order));

	if (!order)
		return img_fail_nomem(err);
	for (size_t i = 0; i < p->nr; i++)
		order[i] = &p->mounts[i];
	qsort(order, p->nr, sizeof(*order), by_depth);
	for (size_t i = 0; i < p->nr; i++)
		if (order[i]->parent && place_mount(order[i], err) < 0)
			return img_wrap(err, "mount %u", order[i]->entry->mnt_id);
	return 0;
}

/* ---- the new root ---- */

/* A mount and all below it, gone from this namespace alone: what is in peer groups elsewhere stays. */
static int take_away(const char *path, struct img_err *err)
{
	if (mount(NULL, path, NULL, MS_REC | MS_PRIVATE, NULL) < 0 || umount2(path, MNT_DETACH) < 0)
		return img_fail_sys(err, "take '%s' away", path);
	return 0;
}

/* The new root over the old one, which then goes with the yard and all. The working directory is the yard. */
static int pivot(const char *name, struct img_err *err)
{
	cleanup_fd int old = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);

	if (old < 0 || chdir(name) < 0 || syscall(SYS_pivot_root, ".", ".") < 0 || fchdir(old) < 0)
		return img_fail_sys(err, "change the root");
	if (take_away(".", err) < 0)
		return -1;
	return chdir("/") < 0 ? img_fail_sys(err, "change to the root") : 0;
}

/* A root that is shared cannot have the old one on it, even for a moment: so the yard becomes the root, is emptied, and the new
 * root is moved over it. */
static int pivot_shared(const char *name, struct img_err *err)
{
	cleanup_fd int fd = -1, yard = -1;
	cleanup_dir DIR *dir = NULL;
	struct dirent *de;

	if ((mkdir("old", 0700) < 0 && errno != EEXIST) || syscall(SYS_pivot_root, ".", "old") < 0 || take_away("old", err) < 0)
		return img_fail_sys(err, "make the yard the root");
	dir = opendir(".");
	if (!dir)
		return img_fail_sys(err, "read the yard");
	while ((de = readdir(dir)))
		if (de->d_name[0] != '.' && strcmp(de->d_name, name) && mount(NULL, de->d_name, NULL, MS_REC | MS_PRIVATE, NULL) == 0)
			umount2(de->d_name, MNT_DETACH);
	fd = open(name, O_PATH | O_DIRECTORY | O_CLOEXEC);
	yard = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 || yard < 0)
		return img_fail_sys(err, "the new root");
	if (kern_mount_move(fd, yard, err) < 0)
		return -1;
	if (fchdir(fd) < 0 || chroot(".") < 0)
		return img_fail_sys(err, "change the root");
	return 0;
}

static int change_root(struct restore *r, struct mnt_plan *p, const struct mnt_mount *root, struct img_err *err)
{
	char name[32];
	int fd;

	yard_name(root, name);
	if ((root->entry->shared_id ? pivot_shared(name, err) : pivot(name, err)) < 0)
		return -1;
	fd = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return img_fail_sys(err, "the new root");
	restore_ns_keep_root(r, root->ns, fd);
	return 0;
}

/* One more mount namespace: a copy of this one, of which its tree is kept. Peers of what is copied are peers of the copy. */
static int make_namespace(struct restore *r, struct mnt_plan *p, const struct mnt_mount *root, struct img_err *err)
{
	cleanup_fd int back = restore_ns_open_own(r, CLONE_NEWNS, err), fd = -1;

	if (back < 0)
		return -1;
	/* The working directory follows into the copy. */
	if (fchdir(p->yard) < 0 || unshare(CLONE_NEWNS) < 0)
		return img_fail_sys(err, "copy the mount namespace");
	if (change_root(r, p, root, err) < 0)
		return -1;
	fd = restore_ns_open_own(r, CLONE_NEWNS, err);
	if (fd < 0)
		return -1;
	if (setns(back, CLONE_NEWNS) < 0)
		return img_fail_sys(err, "back from mount namespace %u", root->ns);
	restore_ns_keep(r, CLONE_NEWNS, root->ns, steal_fd(&fd));
	return 0;
}

static int make_namespaces(struct restore *r, struct mnt_plan *p, struct img_err *err)
{
	for (size_t i = 1; i < p->nr_ns; i++)
		if (make_namespace(r, p, p->roots[i], err) < 0)
			return img_wrap(err, "namespace %u", p->roots[i]->ns);
	if (fchdir(p->yard) < 0)
		return img_fail_sys(err, "the yard");
	return change_root(r, p, p->root, err);
}

static int build(struct restore *r, struct mnt_plan *p, struct img_err *err)
{
	if (make_yard(p, err) < 0)
		return -1;
	for (size_t i = 0; i < p->nr; i++)
		if (make_mount(r, p, &p->mounts[i], err) < 0)
			return img_wrap(err, "mount %u '%s'", p->mounts[i].entry->mnt_id, p->mounts[i].entry->mountpoint);
	if (place_all(p, err) < 0)
		return -1;
	if (mnt_propagate(r, p, err) < 0)
		return img_wrap(err, "propagation");
	return make_namespaces(r, p, err);
}

static int mnt_early(struct restore *r, uint32_t id, struct img_err *err)
{
	struct mnt_plan *p = *restore_ns_mnt_plan(r) = img_arena_alloc(&r->arena, sizeof(*p));

	if (!p)
		return img_fail_nomem(err);
	if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
		return img_fail_sys(err, "make all mounts private");
	if (read_plan(r, p, err) < 0)
		return -1;
	return open_sources(r, p, err);
}

static int mnt_make(struct restore *r, uint32_t id, struct img_err *err)
{
	struct mnt_plan *p = *restore_ns_mnt_plan(r);
	int ret = build(r, p, err);

	free_plan(p);
	return ret;
}

const struct ns_restore_ops mnt_restore_ops = {
	.name = "mnt",
	.flag = CLONE_NEWNS,
	.plan = mnt_plan,
	.early = mnt_early,
	.make = mnt_make,
};
