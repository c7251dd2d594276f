/* engines/fd/fanotify/fanotify-dump.c -- what criu-dump saves of a fanotify descriptor: how it was made, and its marks. Events that
 * nobody has read are lost, and said to be. */

#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>

#include "criu-dump/dump.h"
#include "criu-dump/files.h"
#include "criu-dump/mounts.h"
#include "criu-dump/watched.h"
#include "criuimg/array.h"

/* fs/notify/fdinfo.c: one line of flags, and one for each mark */
static const struct fdinfo_field fields[] = {
	{ "fanotify flags", FDINFO_SKIP, 0, false },
	{ "fanotify ino", FDINFO_SKIP, 0, false },
	{ "fanotify mnt_id", FDINFO_SKIP, 0, false },
};

static bool fanotify_claims(const struct fd_probe *probe)
{
	return !strcmp(probe->link, "anon_inode:[fanotify]");
}

static int inode_mark(struct dump *d, struct dump_task *t, const char *line, bool checking, FanotifyMarkEntry *mark,
	struct img_err *err)
{
	FanotifyInodeMarkEntry *ie = img_arena_message(&d->arena, FanotifyInodeMarkEntry, fanotify_inode_mark_entry);
	unsigned long ino;

	if (!ie)
		return img_fail_nomem(err);
	if (sscanf(line, "fanotify ino:%lx sdev:%x mflags:%x mask:%x ignored_mask:%x", &ino, &mark->s_dev, &mark->mflags,
		    &mark->mask, &mark->ignored_mask) != 5)
		return img_fail(err, IMG_UNSUPPORTED, "fdinfo line '%s' is not understood", line);
	mark->type = MARK_TYPE__INODE;
	mark->ie = ie;
	ie->i_ino = ino;
	return dump_watched(d, t, line, mark->s_dev, ino, checking, &ie->f_handle, err);
}

/* Where the mount with this number is: in a mount namespace of the tree, or in ours. */
static const struct kern_mount *mount_of(struct dump *d, int mnt_id, struct img_err *err)
{
	struct dump_mntns *m = NULL;
	const struct kern_mounts *own;
	const struct kern_mount *at;

	/* A pre-dump does not look at namespaces. */
	if (d->ns && dump_mntns_of(d, NULL, mnt_id, &m, err) < 0)
		return NULL;
	own = dump_own_mounts(d, err);
	if (!own)
		return NULL;
	at = m ? kern_mount_find(&m->mounts, mnt_id) : NULL;
	if (!at)
		at = kern_mount_find(own, mnt_id);
	if (!at)
		img_fail(err, IMG_UNSUPPORTED, "it watches mount %d, which is not here", mnt_id);
	return at;
}

static int mount_mark(struct dump *d, const char *line, FanotifyMarkEntry *mark, struct img_err *err)
{
	FanotifyMountMarkEntry *me = img_arena_message(&d->arena, FanotifyMountMarkEntry, fanotify_mount_mark_entry);
	const struct kern_mount *at;

	if (!me)
		return img_fail_nomem(err);
	if (sscanf(line, "fanotify mnt_id:%x mflags:%x mask:%x ignored_mask:%x", &me->mnt_id, &mark->mflags, &mark->mask,
		    &mark->ignored_mask) != 4)
		return img_fail(err, IMG_UNSUPPORTED, "fdinfo line '%s' is not understood", line);
	at = mount_of(d, (int)me->mnt_id, err);
	if (!at)
		return -1;
	me->path = (char *)at->mountpoint;
	mark->type = MARK_TYPE__MOUNT;
	mark->me = me;
	mark->s_dev = at->major << 20 | at->minor; /* the kernel's own form, as of inodes */
	return 0;
}

static int marks(struct dump *d, struct dump_task *t, const char *extra, bool checking, FanotifyFileEntry *ffy, struct img_err *err)
{
	const char *at = extra;
	char line[1024];
	size_t nr = 0;

	while (kern_fdinfo_next(&at, line, sizeof(line)))
		nr++;
	ffy->mark = img_arena_array(&d->arena, nr ? nr : 1, sizeof(*ffy->mark));
	if (!ffy->mark)
		return img_fail_nomem(err);
	for (at = extra; kern_fdinfo_next(&at, line, sizeof(line));) {
		FanotifyMarkEntry *mark;

		if (sscanf(line, "fanotify flags:%x event-flags:%x", &ffy->faflags, &ffy->evflags) == 2)
			continue;
		mark = img_arena_message(&d->arena, FanotifyMarkEntry, fanotify_mark_entry);
		if (!mark)
			return img_fail_nomem(err);
		if (!strncmp(line, "fanotify ino:", 13) ? inode_mark(d, t, line, checking, mark, err) < 0
							: mount_mark(d, line, mark, err) < 0)
			return -1;
		ffy->mark[ffy->n_mark++] = mark;
	}
	return 0;
}

/* What restore could not find, or make again, stops the dump before it begins. */
static int fanotify_check(struct dump *d, struct dump_task *t, const struct fd_probe *probe, struct img_err *err)
{
	FanotifyFileEntry ffy = FANOTIFY_FILE_ENTRY__INIT;

	if (strstr(probe->extra, "fanotify sdev:"))
		return img_fail(err, IMG_UNSUPPORTED, "fanotify marks of a whole file system are not supported");
	return marks(d, t, probe->extra, true, &ffy, err);
}

static int fanotify_dump(struct dump *d, const struct fd_target *t, struct img_err *err)
{
	FanotifyFileEntry ffy = FANOTIFY_FILE_ENTRY__INIT;
	FownEntry fown = FOWN_ENTRY__INIT;
	FileEntry rec = FILE_ENTRY__INIT;
	int unread = 0;

	if (dump_file_owner(d, t, &fown, err) < 0 || marks(d, t->task, t->probe->extra, false, &ffy, err) < 0)
		return -1;
	if (ioctl(t->lfd, FIONREAD, &unread) == 0 && unread)
		log_warn(d->log, "fanotify %#x: %d bytes of events that nobody has read are lost", t->id, unread);
	ffy.id = t->id;
	ffy.flags = t->probe->flags;
	ffy.fown = &fown;
	rec.type = FD_TYPES__FANOTIFY;
	rec.id = t->id;
	rec.ffy = &ffy;
	return dump_write_file(d, &rec, err);
}

const struct fd_dump_ops fanotify_dump_ops = {
	.name = "fanotify",
	.type = FD_TYPES__FANOTIFY,
	.fdinfo = fields,
	.nr_fdinfo = ARRAY_SIZE(fields),
	.claims = fanotify_claims,
	.check = fanotify_check,
	.dump = fanotify_dump,
};
