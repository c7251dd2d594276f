/* engines/ns/mnt/mnt-dump.c -- what criu-dump saves of a mount namespace: its mounts (mountpoints), each as the line of mountinfo that it
 * is. What is in file systems that exist nowhere else is saved by content-dump.c.
 */

#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/sysmacros.h>

#include "criu-dump/mounts.h"
#include "criu-dump/mnt-own.h"
#include "criu-dump/ns_ops.h"
#include "criuimg/array.h"
#include "criuimg/image.h"
#include "mnt.pb-c.h"
#include "options/external.h"

extern const struct ns_dump_ops mnt_dump_ops;

/* ---- names of the kernel ---- */

struct word {
	const char *word;
	uint32_t flag;
};

/* Of a mount: fs/proc_namespace.c, show_mnt_opts(). */
static const struct word mount_words[] = {
	{ "ro", MS_RDONLY },	     { "nosuid", MS_NOSUID },	  { "nodev", MS_NODEV },
	{ "noexec", MS_NOEXEC },     { "noatime", MS_NOATIME },	  { "nodiratime", MS_NODIRATIME },
	{ "relatime", MS_RELATIME }, { "nosymfollow", 256 /* MS_NOSYMFOLLOW */ },
};

/* Of a file system: the same, show_sb_opts(). */
static const struct word sb_words[] = {
	{ "ro", MS_RDONLY },	     { "sync", MS_SYNCHRONOUS },	 { "dirsync", MS_DIRSYNC },
	{ "mand", MS_MANDLOCK },     { "lazytime", MS_LAZYTIME },
};

/* File systems with nothing to save but what mount(2) is told again; and those whose content is in the images. */
static const struct fs {
	const char *name;
	uint32_t code;
	enum mnt_content content;
} file_systems[] = {
	{ "proc", FSTYPE__PROC, MNT_NO_CONTENT },
	{ "sysfs", FSTYPE__SYSFS, MNT_NO_CONTENT },
	{ "devtmpfs", FSTYPE__DEVTMPFS, MNT_NO_CONTENT },
	{ "binfmt_misc", FSTYPE__BINFMT_MISC, MNT_BINFMT },
	{ "tmpfs", FSTYPE__TMPFS, MNT_TAR },
	{ "devpts", FSTYPE__DEVPTS, MNT_NO_CONTENT },
	{ "pstore", FSTYPE__PSTORE, MNT_NO_CONTENT },
	{ "securityfs", FSTYPE__SECURITYFS, MNT_NO_CONTENT },
	{ "fusectl", FSTYPE__FUSECTL, MNT_NO_CONTENT },
	{ "debugfs", FSTYPE__DEBUGFS, MNT_NO_CONTENT },
	{ "tracefs", FSTYPE__TRACEFS, MNT_NO_CONTENT },
	{ "cgroup", FSTYPE__CGROUP, MNT_NO_CONTENT },
	{ "cgroup2", FSTYPE__CGROUP2, MNT_NO_CONTENT },
	{ "mqueue", FSTYPE__MQUEUE, MNT_EMPTY_ONLY },
	{ "overlay", FSTYPE__OVERLAYFS, MNT_NO_CONTENT },
};

static const struct fs *fs_of(const struct kern_mount *m)
{
	for (size_t i = 0; i < ARRAY_SIZE(file_systems); i++)
		if (!strcmp(file_systems[i].name, m->fstype))
			return &file_systems[i];
	return NULL;
}

static bool enabled(const struct dump *d, const struct kern_mount *m)
{
	for (size_t i = 0; i < d->opt->enable_fs.nr; i++)
		if (!strcmp(d->opt->enable_fs.items[i], m->fstype) || !strcmp(d->opt->enable_fs.items[i], "all"))
			return true;
	return false;
}

/* The flags that words of a list stand for; the others go to rest, if that is not NULL. */
static uint32_t flags_of(const struct dump *d, const char *list, const struct word *words, size_t nr, char *rest)
{
	uint32_t flags = 0;

	while (*list) {
		size_t len = strcspn(list, ","), i;

		for (i = 0; i < nr; i++)
			if (strlen(words[i].word) == len && !strncmp(words[i].word, list, len))
				break;
		if (i < nr)
			flags |= words[i].flag;
		else if (rest && !strncmp(list, "uid=", 4))
			rest += sprintf(rest, "uid=%u,", dump_uid(d, (uint32_t)strtoul(list + 4, NULL, 10)));
		else if (rest && !strncmp(list, "gid=", 4))
			rest += sprintf(rest, "gid=%u,", dump_gid(d, (uint32_t)strtoul(list + 4, NULL, 10)));
		else if (rest && !(len == 2 && !strncmp(list, "rw", 2)))
			rest += sprintf(rest, "%.*s,", (int)len, list);
		list += len;
		list += *list == ',';
	}
	if (rest && rest[0] == '\0' && rest[-1] == ',')
		rest[-1] = '\0';
	return flags;
}

uint32_t mnt_dev(const struct kern_mount *m)
{
	return m->major << 20 | m->minor;
}

/* ---- what cannot be carried ---- */

/* --skip-mnt */
static bool skipped(const struct dump *d, const struct kern_mount *m)
{
	for (size_t i = 0; i < d->opt->skip_mounts.nr; i++)
		if (!strcmp(d->opt->skip_mounts.items[i], m->mountpoint))
			return true;
	return false;
}

/* The key by which restore is told where the mount comes from; NULL: it is not external. Paths are of the mount namespace of the
 * root of the tree. */
static const char *ext_key(const struct dump *d, const struct dump_mntns *in, const struct kern_mount *m)
{
	const char *key = options_external(d->opt, "mnt[%s]", m->mountpoint);

	if (key && in->ns == dump_ns_nth(d, CLONE_NEWNS, 0))
		return *key ? key : m->mountpoint;
	return NULL;
}

/* That of the root of the tree: restore is given another one (--root). */
static bool is_root(const struct dump *d, const struct dump_mntns *in, const struct kern_mount *m)
{
	return in->ns == dump_ns_nth(d, CLONE_NEWNS, 0) && !strcmp(m->mountpoint, "/") && !kern_mount_find(&in->mounts, m->parent);
}

/* Another mount of the same file system that has all that this one has, and comes from outside: it can be bound from there. In
 * any namespace of the tree. */
static bool has_source(struct dump *d, const struct kern_mount *m)
{
	const struct dump_namespace *ns;

	for (size_t n = 0; (ns = dump_ns_nth(d, CLONE_NEWNS, n)); n++) {
		const struct dump_mntns *in = dump_mntns_get(d, ns, NULL);

		for (size_t i = 0; in && i < in->mounts.nr; i++) {
			const struct kern_mount *o = &in->mounts.items[i];

			if (o != m && mnt_dev(o) == mnt_dev(m) && kern_path_below(m->root, o->root) &&
				(is_root(d, in, o) || ext_key(d, in, o)))
				return true;
		}
	}
	return false;
}

/* The first mount of the tree that shows all of this file system. */
static bool is_first(struct dump *d, const struct kern_mount *m)
{
	const struct dump_namespace *ns;

	for (size_t n = 0; (ns = dump_ns_nth(d, CLONE_NEWNS, n)); n++) {
		const struct dump_mntns *in = dump_mntns_get(d, ns, NULL);

		for (size_t i = 0; in && i < in->mounts.nr; i++) {
			const struct kern_mount *o = &in->mounts.items[i];

			if (mnt_dev(o) == mnt_dev(m) && !strcmp(o->root, "/"))
				return o == m;
		}
	}
	return false;
}

static int check_mount(struct dump *d, const struct dump_mntns *in, const struct kern_mount *m)
{
	const struct fs *fs = fs_of(m);
	char what[64];

	if (skipped(d, m) || is_root(d, in, m) || ext_key(d, in, m) || has_source(d, m) || enabled(d, m))
		return 0;
	snprintf(what, sizeof(what), "mount %d", m->id);
	if (!fs)
		return dump_block(d, in->ns->task, what,
			"'%s' is of %s (%s), which is not part of the tree: name it with --external mnt[%s]:KEY", m->mountpoint,
			m->fstype, m->source, m->mountpoint);
	return 0;
}

static int mnt_check(struct dump *d, const struct dump_namespace *ns, struct img_err *err)
{
	struct dump_mntns *m = dump_mntns_get(d, ns, err);

	if (!m)
		return -1;
	for (size_t i = 0; i < m->mounts.nr; i++)
		if (check_mount(d, m, &m->mounts.items[i]) < 0)
			return img_fail_nomem(err);
	return 0;
}

/* ---- records ---- */

static int write_mount(struct dump *d, struct img_writer *w, const struct dump_mntns *in, const struct kern_mount *m,
	struct img_err *err)
{
	const struct fs *fs = fs_of(m);
	MntEntry e = MNT_ENTRY__INIT;
	char *options = img_arena_alloc(&d->arena, strlen(m->sb_options) + sizeof("newinstance,,uid=4294967295,gid=4294967295"));
	const char *key = ext_key(d, in, m);

	if (!options)
		return img_fail_nomem(err);
	e.fstype = fs ? fs->code : (uint32_t)(enabled(d, m) ? FSTYPE__AUTO : FSTYPE__UNSUPPORTED);
	if (e.fstype == FSTYPE__AUTO)
		e.fsname = (char *)m->fstype;
	e.mnt_id = (uint32_t)m->id;
	e.parent_mnt_id = (uint32_t)m->parent;
	e.root_dev = mnt_dev(m);
	e.root = (char *)m->root;
	e.mountpoint = (char *)m->mountpoint;
	e.source = (char *)m->source;
	e.flags = flags_of(d, m->options, mount_words, ARRAY_SIZE(mount_words), NULL);
	if (m->shared)
		e.flags |= MS_SHARED;
	if (m->master)
		e.flags |= MS_SLAVE;
	if (m->unbindable)
		e.flags |= MS_UNBINDABLE;
	/* One byte in front: flags_of() looks back. */
	e.has_sb_flags = 1;
	e.sb_flags = flags_of(d, m->sb_options, sb_words, ARRAY_SIZE(sb_words), options + 1);
	e.options = options + 1;
	if (e.fstype == FSTYPE__DEVPTS)
		strcat(e.options, *e.options ? ",newinstance" : "newinstance");
	e.has_shared_id = e.has_master_id = 1;
	e.shared_id = (uint32_t)m->shared;
	e.master_id = (uint32_t)m->master;
	e.ext_key = (char *)key;
	if (m->deleted)
		e.has_deleted = e.deleted = 1;
	log_info(d->log, "mount %d on %d: %s '%s' of '%s' (%s)%s%s", m->id, m->parent, m->fstype, m->mountpoint, m->root, m->source,
		key ? ", external: " : "", key ? key : "");
	return img_write(w, &e.base, err);
}

static int write_mounts(struct dump *d, const struct dump_mntns *ns, struct img_err *err)
{
	struct img_writer *w = img_writer_create(d->set, IMG_MNTS, ns->ns->id, err);

	if (!w)
		return -1;
	/* The last first: as the classic images have them. */
	for (size_t i = ns->mounts.nr; i-- > 0;)
		if (!skipped(d, &ns->mounts.items[i]) && write_mount(d, w, ns, &ns->mounts.items[i], err) < 0) {
			img_writer_abort(w);
			return -1;
		}
	return img_writer_finish(w, err);
}

/* Each file system once, by a mount that shows its whole. */
static int write_contents(struct dump *d, const struct dump_mntns *ns, struct img_err *err)
{
	const struct kern_mounts *all = &ns->mounts;

	for (size_t i = 0; i < all->nr; i++) {
		const struct kern_mount *m = &all->items[i];
		const struct fs *fs = fs_of(m);

		if (!fs || fs->content == MNT_NO_CONTENT || skipped(d, m) || is_root(d, ns, m) || ext_key(d, ns, m) || has_source(d, m) ||
			!is_first(d, m))
			continue;
		if (mnt_dump_content(d, ns, m, fs->content, err) < 0)
			return img_wrap(err, "mount %d '%s'", m->id, m->mountpoint);
	}
	return 0;
}

static int mnt_dump(struct dump *d, const struct dump_namespace *ns, struct img_err *err)
{
	struct dump_mntns *m = dump_mntns_get(d, ns, err);

	if (!m || write_mounts(d, m, err) < 0)
		return -1;
	return write_contents(d, m, err);
}

const struct ns_dump_ops mnt_dump_ops = {
	.name = "mnt",
	.flag = CLONE_NEWNS,
	.check = mnt_check,
	.dump = mnt_dump,
};
