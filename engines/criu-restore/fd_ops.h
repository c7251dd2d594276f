/* criu-restore/fd_ops.h -- what a room of engines/fd/ does for a restore.
 *
 * A file description of the set (a record of files.img) is made by one task, its maker: the first in the order of the tree
 * that has a descriptor of it. Descriptions that are two sides of one thing (the ends of a pipe) are a group and have one
 * maker for all of it, who may have to hold descriptors that only others will keep. When every task has made what it makes,
 * the others take theirs out of the makers' tables with pidfd_getfd(2). No task waits for another in between, so nothing can
 * wait in a circle.
 */
#ifndef CRIU_RESTORE_FD_OPS_H
#define CRIU_RESTORE_FD_OPS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "criuimg/err.h"
#include "fdinfo.pb-c.h"
#include "fown.pb-c.h"

struct restore;
struct restore_task;

/* A file description of the set. */
struct restore_file {
	uint32_t id;
	const FileEntry *rec; /* the set's, alive until restore_files_free() */
	const struct fd_restore_ops *ops;
	bool in_table;	      /* some descriptor points to it (else: cwd, exe, a mapped file, part of another record) */
};

struct fd_restore_ops {
	const char *name; /* the kind in messages: "pipe" */
	FdTypes type;	  /* of the records that are this room's */

	/* Before the first fork: is the record whole, and can this host make it? What is needed besides the record (data
	 * images) is read here or found to be there. May be NULL. */
	int (*plan)(struct restore *r, const struct restore_file *f, struct img_err *err);
	/* The thing that the record is a side of: all records of this room with the same key are made together. NULL: each
	 * stands alone. */
	uint64_t (*group)(const struct restore *r, const struct restore_file *f);
	/* The task that would best make the file, since the kernel remembers who did: a pid of the image, 0: any. It does so if it lives and
	 * is in the same namespaces. NULL: any. */
	pid_t (*maker)(const struct restore *r, const struct restore_file *f);
	/* Make the nr files of a group (nr is 1 without ->group): fds[i] is an open descriptor of files[i], at any number, with
	 * flags, position and owner of the record; the caller puts it at its final number. Runs in the maker. On failure what
	 * was opened is closed, or left for the caller in fds (which start as -1). */
	int (*make)(struct restore *r, struct restore_task *t, const struct restore_file *const *files, size_t nr, int *fds,
		struct img_err *err);
	/* Who gets its signals, of the record; NULL: nobody can. */
	const FownEntry *(*owner)(const struct restore *r, const struct restore_file *f);
	/* When every descriptor of every task is in place: fd is the file's number in the table of its maker, who calls this. May be
	 * NULL. */
	int (*finish)(struct restore *r, struct restore_task *t, const struct restore_file *file, int fd, struct img_err *err);
	/* Another description of the file, with flags (-1: the record's): what restore_open_file() gives for mappings. NULL:
	 * such files are never mapped. */
	int (*open)(struct restore *r, struct restore_task *t, const struct restore_file *file, int flags, int *fd,
		struct img_err *err);
};

/* THE ROOMS of engines/fd/: rooms.c */
extern const struct fd_restore_ops *const restore_fd_rooms[];
extern const size_t restore_nr_fd_rooms;

#endif
