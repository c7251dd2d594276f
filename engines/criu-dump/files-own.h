/* engines/criu-dump/files-own.h -- what files.c and files-inside.c share. */
#ifndef CRIU_DUMP_FILES_OWN_H
#define CRIU_DUMP_FILES_OWN_H

#include <limits.h>

#include "criu-dump/dump.h"
#include "criu-dump/file-images.h"

struct fd_entry {
	struct fd_probe probe;
	const struct fd_dump_ops *ops; /* NULL: nobody's */
	struct dump_task *holder;      /* of a file on its way: who has the socket that it waits in */
};

/* What is needed to look at descriptors. */
struct fd_scan {
	struct dump_task *task;
	int fd_dir, fdinfo_dir;
	char *fdinfo; /* text of one file, reused */
	size_t fdinfo_room;
	char link[PATH_MAX + 16];
};

/* Files that are on their way: files-inside.c. */
struct dump_inside {
	struct dump_task self;
	struct fd_entry *items;
	size_t nr, room;
	struct fd_scan scan;
};

int dump_open_fd_dirs(struct fd_scan *s, struct img_err *err);
/* One descriptor: 1, or 0 when it is gone meanwhile. */
int dump_look_at(struct dump *d, struct fd_scan *s, int fd, const char *name, struct fd_probe *probe, struct img_err *err);
/* NULL: nobody's. */
const struct fd_dump_ops *dump_find_room(const struct fd_probe *probe);
/* ops, or the room of plugins where ops is NULL or refuses, and there is a plugin that may want it (plugins.c). */
const struct fd_dump_ops *dump_ops_or_plugin(
	struct dump *d, struct dump_task *t, const struct fd_probe *probe, const struct fd_dump_ops *ops);
/* The id of an entry's file description; its record is written when it is seen for the first time. */
int dump_fd_entry(struct dump *d, struct dump_task *t, const struct fd_entry *e, uint32_t *id, struct img_err *err);
/* Note what is on its way inside of a file of task t; lfd is a duplicate of its descriptor. */
int dump_look_inside(struct dump *d, struct dump_task *t, const struct fd_entry *e, int lfd, struct img_err *err);

#endif
