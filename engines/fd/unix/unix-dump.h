/* engines/fd/unix/unix-dump.h -- what the files of this half share. */
#ifndef ENGINES_FD_UNIX_DUMP_H
#define ENGINES_FD_UNIX_DUMP_H

#include <limits.h>

#include "criuimg/err.h"
#include "kernel/unix-diag.h"
#include "sk-unix.pb-c.h"

struct dump;
struct dump_task;

/* The file that a socket is bound to. */
struct unix_file {
	FilePermsEntry perms;
	bool deleted;
	char dir[PATH_MAX]; /* what a relative name is relative to, "" for an absolute one */
};

/* Of the socket lfd that the kernel says s of; s has a name that is a path. A name that leads to another file is IMG_UNSUPPORTED. */
int unix_file_of(struct dump *d, struct dump_task *t, int lfd, const struct kern_unix_socket *s, struct unix_file *out,
	struct img_err *err);

#endif
