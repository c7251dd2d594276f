/* engines/ns/mnt/mnt-restore.c -- how criu-restore builds a mount namespace.
 *
 * All is put together aside, in a *yard*: a tmpfs that is mounted where nobody looks. Each file system of the image is mounted
 * there once, or bound from outside, and filled; each mount of the image is a clone of a part of it (open_tree(2)), with its
 * flags, at a place of its own in the yard. Then every mount is moved onto the one that it was mounted on, the deepest places of
 * each first, so that none hides another's place; all of it is private up to here. Peer groups come last
 * (propagation-restore.c). The root of it becomes the root of the namespace, and what was there before goes (root-restore.c).
 * What is to be built is read and checked before: plan-restore.c.
 */

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

#include "criu-restore/files.h"
#include "criu-restore/cgroups.h"
#include "criu-restore/mnt-own.h"
#include "criu-restore/namespaces.h"
#include "criu-restore/ns_ops.h"
#include "criuimg/array.h"
#include "criuimg/cleanup.h"
#include "kernel/mountinfo.h"
#include "kernel/mountctl.h"

extern const struct ns_restore_ops mnt_restore_ops;

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

void mnt_yard_name(const struct mnt_mount *m, char name[32])
{
	snprintf(name, 32, "mnt-%u", m->entry->mnt_id);
}

int mnt_yard_place(struct mnt_plan *p, const char *name, bool dir, struct img_err *err)
{
	if (dir ? mkdirat(p->yard, name, 0700) < 0 : mknodat(p->yard, name, S_IFREG | 0600, 0) < 0)
		return img_fail_sys(err, "a place to mount on");
	return openat(p->yard, name, O_PATH | O_CLOEXEC | O_NOFOLLOW);
}

/* Where a mount comes from that is not made here; NULL: it is made. One that is not absolute is a path from our root, as CRIU has it:
 * wherever we were started. */
static const char *source_path(const struct restore *r, const struct mnt_plan *p, const struct mnt_mount *m)
{
	if (m == p->root && !m->external)
		return r->opt->root ? r->opt->root : "/";
	return m->external;
}

/* open_it: of a path below the directory host. */
static int open_sources(struct restore *r, struct mnt_plan *p, int (*open_it)(int host, const char *path), struct img_err *err)
{
	cleanup_fd int host = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);

	if (host < 0)
		return img_fail_sys(err, "/");
	for (size_t i = 0; i < p->nr; i++) {
		struct mnt_mount *m = &p->mounts[i];
		const char *path = source_path(r, p, m);

		if (path && (m->source = open_it(m == p->root ? AT_FDCWD : host, path)) < 0)
			return img_fail_sys(err, "mount %u '%s': %s", m->entry->mnt_id, m->entry->mountpoint, path);
	}
	return 0;
}

static int open_here(int host, const char *path)
{
	return openat(host, path, O_PATH | O_CLOEXEC);
}

/* What is mounted there alone, as a mount that receives from it. */
static int open_clone(int host, const char *path)
{
	cleanup_fd int fd = (int)syscall(SYS_open_tree, host, path, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
	struct img_err ignored = IMG_ERR_INIT;

	return fd < 0 || kern_mount_propagation(fd, MS_SLAVE, &ignored) < 0 ? -1 : steal_fd(&fd);
}

/* Clones that were taken outside: parts of them can be cloned when they are mounted somewhere. */
static int place_sources(struct mnt_plan *p, struct img_err *err)
{
	for (size_t i = 0; i < p->nr; i++) {
		cleanup_fd int place = -1;
		char name[32];
		struct stat st;

		if (p->mounts[i].source < 0)
			continue;
		if (fstat(p->mounts[i].source, &st) < 0)
			return img_fail_sys(err, "stat");
		snprintf(name, sizeof(name), "from-%zu", i);
		place = mnt_yard_place(p, name, S_ISDIR(st.st_mode), err);
		if (place < 0 || kern_mount_move(p->mounts[i].source, place, err) < 0)
			return -1;
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
	/* Read-only comes when it is filled; what is the kernel's own may be refused a change later. */
	bool late = flags & MS_RDONLY && e->fstype == FSTYPE__TMPFS;
	char name[32], path[64];
	cleanup_fd int place = -1;

	snprintf(name, sizeof(name), "sb-%u", sb->dev);
	place = mnt_yard_place(p, name, true, err);
	if (place < 0)
		return -1;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", place);
	if (mount(e->source, path, fs_name(e), late ? flags & ~(unsigned long)MS_RDONLY : flags, e->options) < 0)
		return img_fail_sys(err, "mount %s '%s' (%s)", fs_name(e), e->mountpoint, e->options);
	sb->fd = openat(p->yard, name, O_PATH | O_CLOEXEC);
	if (sb->fd < 0)
		return img_fail_sys(err, "mount %s '%s'", fs_name(e), e->mountpoint);
	if (mnt_fill(r, sb, err) < 0)
		return -1;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", sb->fd);
	if (late && mount(NULL, path, NULL, MS_REMOUNT | flags, e->options) < 0)
		return img_fail_sys(err, "make %s '%s' read-only", fs_name(e), e->mountpoint);
	return 0;
}

/* ---- mounts ---- */

/* Where the part that a mount shows is: a descriptor, and a path from there. */
static int part_at(struct mnt_plan *p, const struct mnt_mount *m, const char **rest)
{
	const struct mnt_mount *given;

	*rest = mnt_part_of(p, m, &given);
	if (given)
		return given->source;
	*rest = m->entry->root;
	while (**rest == '/')
		++*rest;
	return m->sb->fd;
}

static bool is_deleted(const struct mnt_mount *m)
{
	return m->entry->has_deleted && m->entry->deleted;
}

/* Directories are mounted on directories, files on files. */
static bool goes_on_dir(struct mnt_plan *p, const struct mnt_mount *m)
{
	char path[PATH_MAX];
	const char *rest;
	struct stat st;
	int at;

	if (!m->parent)
		return true;
	at = part_at(p, m->parent, &rest);
	snprintf(path, sizeof(path), "%s%s%s", rest, *rest ? "/" : "",
		kern_path_below(m->entry->mountpoint, m->parent->entry->mountpoint));
	return fstatat(at, path, &st, AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW) < 0 || S_ISDIR(st.st_mode);
}

/* A directory or file that was removed and is mounted all the same: there until all mounts are in place. */
static int make_deleted(struct mnt_plan *p, const struct mnt_mount *m, struct img_err *err)
{
	const char *rest;
	int at = part_at(p, m, &rest);

	if (is_deleted(m) && (goes_on_dir(p, m) ? mkdirat(at, rest, 0755) : mknodat(at, rest, S_IFREG | 0600, 0)) < 0 && errno != EEXIST)
		return img_fail_sys(err, "make '%s', which was deleted", rest);
	return 0;
}

static int remove_deleted(struct mnt_plan *p, struct img_err *err)
{
	for (size_t i = 0; i < p->nr; i++) {
		const char *rest;
		int at = part_at(p, &p->mounts[i], &rest);

		if (is_deleted(&p->mounts[i]) && unlinkat(at, rest, goes_on_dir(p, &p->mounts[i]) ? AT_REMOVEDIR : 0) < 0 && errno != ENOENT)
			return img_fail_sys(err, "remove '%s' again", rest);
	}
	return 0;
}

/* The slave of a terminal, which has to be there first. */
static bool is_pty(const struct mnt_mount *m, const char *rest)
{
	return m->entry->fstype == FSTYPE__DEVPTS && *rest && strspn(rest, "0123456789") == strlen(rest);
}

/* A detached clone of the part that the mount shows. */
static int clone_part(struct restore *r, struct mnt_plan *p, struct mnt_mount *m, struct img_err *err)
{
	const char *rest;
	int at = part_at(p, m, &rest), fd;

	if (at == m->sb->fd && is_pty(m, rest) && restore_pty_early(r, at, (unsigned)atoi(rest), err) < 0)
		return img_wrap(err, "'%s' of %s", m->entry->root, m->entry->source);
	if (make_deleted(p, m, err) < 0)
		return -1;
	fd = (int)syscall(SYS_open_tree, at, rest, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW);
	return fd < 0 ? img_fail_sys(err, "clone '%s' of %s", m->entry->root, m->entry->source) : fd;
}

static int make_mount(struct restore *r, struct mnt_plan *p, struct mnt_mount *m, struct img_err *err)
{
	cleanup_fd int fd = -1, place = -1;
	struct stat st;
	char name[32];

	/* Cloned mounts can be bound from only where they are attached. */
	if (!m->external && m != p->root && m->sb->fd < 0 && !m->sb->from_root) {
		const struct mnt_mount *given;

		mnt_part_of(p, m, &given);
		if (!given && mount_sb(r, p, m->sb, err) < 0)
			return -1;
	}
	fd = clone_part(r, p, m, err);
	if (fd < 0)
		return -1;
	if (kern_mount_flags(fd, m->entry->flags, err) < 0)
		return -1;
	if (!mnt_keeps_master(p, m) && kern_mount_propagation(fd, MS_PRIVATE, err) < 0)
		return -1;
	if (fstat(fd, &st) < 0)
		return img_fail_sys(err, "stat");
	mnt_yard_name(m, name);
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

/* ---- what the room does ---- */

/* For whoever opens files: where each mount is. */
static int tell_mounts(struct restore *r, const struct mnt_plan *p, struct img_err *err)
{
	struct restore_mount *all = calloc(p->nr + 1, sizeof(*all));

	if (!all)
		return img_fail_nomem(err);
	for (size_t i = 0; i < p->nr; i++) {
		const MntEntry *e = p->mounts[i].entry;

		all[i] = (struct restore_mount){ e->mnt_id, p->mounts[i].ns, e->root_dev, img_arena_strdup(&r->arena, e->root),
			img_arena_strdup(&r->arena, e->mountpoint) };
		if (!all[i].root || !all[i].mountpoint) {
			free(all);
			return img_fail_nomem(err);
		}
	}
	restore_ns_mounts(r, all, p->nr);
	return 0;
}

/* All of them at once, when the root's is asked for. */
static int mnt_plan(struct restore *r, uint32_t id, struct img_err *err)
{
	struct mnt_plan p;
	int ret;

	if (id != restore_ns_id(r, CLONE_NEWNS))
		return 0;
	ret = mnt_plan_read(r, &p, err);
	if (ret == 0)
		ret = tell_mounts(r, &p, err);
	for (size_t i = 0; ret == 0 && i < p.nr_ns; i++)
		ret = restore_ns_root_slot(r, p.roots[i]->ns, err);
	mnt_plan_free(&p);
	return ret;
}

/* The tree's control groups can be elsewhere than they were. */
static int find_cgroups(struct restore *r, struct mnt_plan *p, struct img_err *err)
{
	for (size_t i = 0; i < p->nr; i++) {
		MntEntry *e = p->mounts[i].entry;
		const char *root;
		char *copy;

		if (p->mounts[i].external || (e->fstype != FSTYPE__CGROUP && e->fstype != FSTYPE__CGROUP2))
			continue;
		root = restore_cgroups_inside(r, e->fstype == FSTYPE__CGROUP ? e->options : NULL, e->root);
		copy = root ? strdup(root) : NULL;
		if (!copy)
			return img_fail_nomem(err);
		free(e->root);
		e->root = copy;
	}
	return 0;
}

/* To a user namespace all mounts that are copied for it are one: no part of them can be cloned that something is mounted in
 * (mount_namespaces(7)). So what comes from outside is cloned by the front, and its descriptors are inherited. */
static int mnt_start(struct restore *r, uint32_t id, struct img_err *err)
{
	struct mnt_plan p;
	int *sources, ret;

	if (!restore_ns_new(r, CLONE_NEWUSER))
		return 0;
	ret = mnt_plan_read(r, &p, err);
	if (ret == 0)
		ret = open_sources(r, &p, open_clone, err);
	sources = ret == 0 ? img_arena_array(&r->arena, p.nr + 1, sizeof(*sources)) : NULL;
	if (ret == 0 && !sources)
		ret = img_fail_nomem(err);
	for (size_t i = 0; sources && i < p.nr; i++)
		sources[i] = steal_fd(&p.mounts[i].source);
	if (sources)
		sources[p.nr] = -2;
	mnt_plan_free(&p);
	*restore_ns_mnt_sources(r) = sources;
	return ret;
}

/* The root has them now. */
static int mnt_born(struct restore *r, uint32_t id, struct img_err *err)
{
	int *sources = *restore_ns_mnt_sources(r);

	for (size_t i = 0; sources && sources[i] != -2; i++)
		img_cleanup_fd(&sources[i]);
	return 0;
}

static int mnt_early(struct restore *r, uint32_t id, struct img_err *err)
{
	struct mnt_plan *p = *restore_ns_mnt_plan(r) = img_arena_alloc(&r->arena, sizeof(*p));
	const int *sources = *restore_ns_mnt_sources(r);

	if (!p)
		return img_fail_nomem(err);
	/* Nothing of ours goes to the host; what external mounts are to receive from there goes on. */
	if (mount(NULL, "/", NULL, MS_REC | MS_SLAVE, NULL) < 0)
		return img_fail_sys(err, "make all mounts slaves");
	if (mnt_plan_read(r, p, err) < 0)
		return -1;
	if (!sources)
		return open_sources(r, p, open_here, err);
	for (size_t i = 0; i < p->nr; i++)
		p->mounts[i].source = sources[i];
	return 0;
}

static int build(struct restore *r, struct mnt_plan *p, struct img_err *err)
{
	if (make_yard(p, err) < 0 || find_cgroups(r, p, err) < 0)
		return -1;
	if (*restore_ns_mnt_sources(r) && place_sources(p, err) < 0)
		return -1;
	for (size_t i = 0; i < p->nr; i++)
		if (make_mount(r, p, &p->mounts[i], err) < 0)
			return img_wrap(err, "mount %u '%s'", p->mounts[i].entry->mnt_id, p->mounts[i].entry->mountpoint);
	if (place_all(p, err) < 0)
		return -1;
	if (mnt_propagate(r, p, err) < 0)
		return img_wrap(err, "propagation");
	if (remove_deleted(p, err) < 0)
		return -1;
	return mnt_make_namespaces(r, p, err);
}

static int mnt_make(struct restore *r, uint32_t id, struct img_err *err)
{
	struct mnt_plan *p = *restore_ns_mnt_plan(r);
	int ret = build(r, p, err);

	mnt_plan_free(p);
	return ret;
}

const struct ns_restore_ops mnt_restore_ops = {
	.name = "mnt",
	.flag = CLONE_NEWNS,
	.plan = mnt_plan,
	.start = mnt_start,
	.born = mnt_born,
	.early = mnt_early,
	.make = mnt_make,
};
