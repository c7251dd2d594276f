/* engines/fd/inotify/inotify-dump.c -- what criu-dump saves of an inotify descriptor: its watches. Events that nobody has read
 * are lost, and said to be. */

#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>

#include "criu-dump/dump.h"
#include "criu-dump/files.h"
#include "criu-dump/watched.h"
#include "criuimg/array.h"

/* fs/notify/fdinfo.c: a line for each watch */
static const struct fdinfo_field fields[] = {
	{ "inotify wd", FDINFO_SKIP, 0, false },
};

static bool inotify_claims(const struct fd_probe *probe)
{
	return !strcmp(probe->link, "anon_inode:inotify") || !strcmp(probe->link, "anon_inode:[inotify]");
}

/* One watch, from its line. */
static int watch(struct dump *d, struct dump_task *t, const char *line, bool checking, InotifyWdEntry **out, struct img_err *err)
{
	InotifyWdEntry *wd = img_arena_message(&d->arena, InotifyWdEntry, inotify_wd_entry);
	unsigned long ino;

	if (!wd)
		return img_fail_nomem(err);
	if (sscanf(line, "inotify wd:%x ino:%lx sdev:%x mask:%x ignored_mask:%x", &wd->wd, &ino, &wd->s_dev, &wd->mask,
		    &wd->ignored_mask) != 5)
		return img_fail(err, IMG_UNSUPPORTED, "fdinfo line '%s' is not understood", line);
	wd->i_ino = ino;
	*out = wd;
	return dump_watched(d, t, line, wd->s_dev, ino, checking, &wd->f_handle, err);
}

static int watches(struct dump *d, struct dump_task *t, const char *extra, bool checking, InotifyFileEntry *ify, struct img_err *err)
{
	const char *at = extra;
	char line[1024];
	size_t nr = 0;

	while (kern_fdinfo_next(&at, line, sizeof(line)))
		nr++;
	if (!nr)
		return 0;
	ify->wd = img_arena_array(&d->arena, nr, sizeof(*ify->wd));
	if (!ify->wd)
		return img_fail_nomem(err);
	for (at = extra; kern_fdinfo_next(&at, line, sizeof(line)); ify->n_wd++)
		if (watch(d, t, line, checking, &ify->wd[ify->n_wd], err) < 0)
			return -1;
	return 0;
}

/* A watched file that restore could not find stops the dump before it begins. */
static int inotify_check(struct dump *d, struct dump_task *t, const struct fd_probe *probe, struct img_err *err)
{
	InotifyFileEntry ify = INOTIFY_FILE_ENTRY__INIT;

	return watches(d, t, probe->extra, true, &ify, err);
}

static int inotify_dump(struct dump *d, const struct fd_target *t, struct img_err *err)
{
	InotifyFileEntry ify = INOTIFY_FILE_ENTRY__INIT;
	FownEntry fown = FOWN_ENTRY__INIT;
	FileEntry rec = FILE_ENTRY__INIT;
	int unread = 0;

	if (dump_file_owner(d, t, &fown, err) < 0 || watches(d, t->task, t->probe->extra, false, &ify, err) < 0)
		return -1;
	if (ioctl(t->lfd, FIONREAD, &unread) == 0 && unread)
		log_warn(d->log, "inotify %#x: %d bytes of events that nobody has read are lost", t->id, unread);
	ify.id = t->id;
	ify.flags = t->probe->flags;
	ify.fown = &fown;
	rec.type = FD_TYPES__INOTIFY;
	rec.id = t->id;
	rec.ify = &ify;
	return dump_write_file(d, &rec, err);
}

const struct fd_dump_ops inotify_dump_ops = {
	.name = "inotify",
	.type = FD_TYPES__INOTIFY,
	.fdinfo = fields,
	.nr_fdinfo = ARRAY_SIZE(fields),
	.claims = inotify_claims,
	.check = inotify_check,
	.dump = inotify_dump,
};
