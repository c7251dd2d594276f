/* engines/criu-dump/unix-own.h -- what the files of the dump half of engines/fd/unix share. */
#ifndef CRIU_DUMP_UNIX_OWN_H
#define CRIU_DUMP_UNIX_OWN_H

#include <limits.h>
#include <stdbool.h>
#include <sys/socket.h>

#include "criuimg/err.h"
#include "kernel/unix-diag.h"
#include "sk-unix.pb-c.h"

struct dump;
struct dump_task;

/* The file that a socket is bound to. */
struct unix_file {
	FilePermsEntry perms;
	bool deleted;	      /* there is no such file under its name */
	char moved_to[PATH_MAX]; /* deleted: where it is now, "" for nowhere */
	char dir[PATH_MAX]; /* what a relative name is relative to, "" for an absolute one */
	int mnt_id;	    /* where the tree has mount namespaces: the mount that it is on; -1 */
};

/* Of the socket lfd that the kernel says s of; s has a name that is a path. A file that nothing leads to is IMG_UNSUPPORTED. */
int unix_file_of(struct dump *d, struct dump_task *t, int lfd, const struct kern_unix_socket *s, struct unix_file *out,
	struct img_err *err);

#define UNIX_RIGHTS_MAX 253 /* SCM_MAX_FD of net/scm.h */

/* Descriptors that come along with a message: ours, closed after the call unless taken out (-1). */
struct unix_rights {
	int fds[UNIX_RIGHTS_MAX];
	size_t nr;
	bool message;	   /* there is one: the kernel tells of its sender, even if it knows none */
	bool has_cred;	   /* it knows who sent it: */
	struct ucred cred; /* the pid is one of ours */
};

/* Messages without a byte, which can be looked at once only. */
struct unix_empty {
	uint32_t ino, place; /* of the socket; how many come before it */
	struct unix_rights rights;
};
struct unix_empties {
	struct unix_empty *items;
	size_t nr, room;
};
void unix_empties_free(struct unix_empties *empties);

/* All that waits in a queue, message by message; of a stream in pieces, one for each set of descriptors that comes along. It stays. */
int unix_queue_look(int fd, const struct kern_unix_socket *s, struct unix_empties *empties,
	int (*see)(void *arg, const void *data, size_t len, struct unix_rights *rights, struct img_err *err), void *arg,
	struct img_err *err);

#endif
