/* engines/criu-dump/fd_ops.h -- what a room of engines/fd/ does for a dump.
 *
 * A room is one kind of thing that a descriptor can point to. files.c walks the tables: every descriptor is first looked at
 * from outside (struct fd_probe), which touches nothing; the room that claims the probe then says whether it can be dumped
 * (check). Only when the whole tree has no blocker, the files are dumped, each open file description once (dump), however
 * many descriptors of however many tasks point to it.
 *
 * A probe that no room claims is refused by the name of what it is.
 */
#ifndef CRIU_DUMP_FD_OPS_H
#define CRIU_DUMP_FD_OPS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "criuimg/err.h"
#include "fdinfo.pb-c.h"
#include "kernel/fdinfo.h"

struct dump;
struct dump_task;

/* What can be seen of a file from outside of the task that has it open. */
struct fd_probe {
	int fd;		   /* number in the task's table; -1: not of a table (cwd, root, exe, a mapping) */
	const char *link;  /* the text of the /proc link: "/path", "/path (deleted)", "pipe:[17]", "anon_inode:[eventfd]" */
	dev_t dev;	   /* these seven: stat(2) through the link */
	ino_t ino;
	mode_t mode;
	dev_t rdev;
	uint64_t nlink;
	uint64_t size;
	uint64_t blocks;   /* allocated, of 512 bytes */
	uint32_t flags;	   /* O_* of the file description (fcntl F_GETFL, but FMODE_PATH too), without O_CLOEXEC */
	bool cloexec;	   /* of the descriptor */
	uint64_t pos;
	int mnt_id;	   /* as in mountinfo; -1: not known */
	int domain, type;  /* of a socket: SO_DOMAIN, SO_TYPE; else -1 */
	unsigned nr_locks; /* file locks that are seen through this descriptor */
	const char *locks; /* their lines of fdinfo; NULL without any */
	const char *extra; /* lines of fdinfo that belong to the kind (kern_fdinfo_fields); "" without any */
};

/* A file description that is to be dumped. */
struct fd_target {
	struct dump_task *task; /* the first task that has it */
	const struct fd_probe *probe;
	uint32_t id;	       /* of its record in files.img */
	int lfd;	       /* in our table: a duplicate of the task's descriptor (pidfd_getfd), that is, the same file
				* description; for fd == -1 the descriptor that the caller of dump_file_by_fd() gave. Borrowed. */
};

struct fd_dump_ops {
	const char *name; /* the kind in messages: "pipe" */
	FdTypes type;	  /* of the records, and of the fdinfo entries that point to them */

	bool mappable;	  /* can be a mapped file, too: dump_file_by_fd() */

	bool any_fdinfo;  /* lines of fdinfo are somebody else's business */
	/* Lines of fdinfo that the kind knows; the others are warned of (refused with --strict). */
	const struct fdinfo_field *fdinfo;
	size_t nr_fdinfo;

	/* Is it mine? Asked in the order of the list of rooms; the first that says yes has it. */
	bool (*claims)(const struct fd_probe *probe);
	/* Can it be dumped? A failure is a blocker: its text says why ("character device 10:200 is not supported").
	 * Touches nothing, and is asked again at any time. May be NULL: it always can. */
	int (*check)(struct dump *d, struct dump_task *t, const struct fd_probe *probe, struct img_err *err);
	/* Hand over every file that is on its way inside of it (SCM_RIGHTS): take() owns the descriptor from then on. lfd is a
	 * duplicate of the descriptor. Looks only. May be NULL: nothing ever is. */
	int (*inside)(struct dump *d, int lfd, const struct fd_probe *probe, int (*take)(void *arg, int fd, struct img_err *err),
		void *arg, struct img_err *err);
	/* Write its record (dump_write_file) and what belongs to it. Once for each file description. */
	int (*dump)(struct dump *d, const struct fd_target *t, struct img_err *err);
	/* After the last file of the tree: close images of one's own. May be NULL. */
	int (*finish)(struct dump *d, struct img_err *err);
};

/* THE ROOMS of engines/fd/: rooms.c */
extern const struct fd_dump_ops *const dump_fd_rooms[];
extern const size_t dump_nr_fd_rooms;

#endif
