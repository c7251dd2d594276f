/* engines/criu-restore/unix-own.h -- what the files of the restore half of engines/fd/unix share. */
#ifndef CRIU_RESTORE_UNIX_OWN_H
#define CRIU_RESTORE_UNIX_OWN_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "criu-restore/files-own.h"
#include "kernel/unix-diag.h"
#include "sk-packet.pb-c.h"
#include "sk-unix.pb-c.h"

#define UNIX_OUTSIDE 1 /* uflags: somebody outside of the tree, to be found by its name */
#define UNIX_PLUGIN  4 /* uflags: saved by a plugin, which makes it again */
#define UNIX_CLIENT  2 /* uflags: the connection by which its task asked for the dump */

/* A message that waits for a socket. */
struct unix_packet {
	uint32_t id_for;
	uint32_t nr; /* in the order of the image */
	uint32_t len;
	unsigned char *data;
	uint32_t *rights; /* ids of the files that come along */
	size_t nr_rights;
	bool has_cred;
	struct ucred cred; /* who sent it */
};

/* What is known of a record before anything is made. */
struct unix_planned {
	const UnixSkEntry *u;
	uint32_t root;	 /* index of the first one of those that are made together */
	bool accepted;	 /* got its name by accept(2), not by bind(2) */
	uint32_t *named; /* shared: it has put a file where none was */
	struct restore_fdtable *maker; /* of a root: who makes them */
};

struct unix_set;

struct restore_queues {
	struct unix_packet *items; /* by id_for, then nr */
	size_t nr, room;
	struct unix_planned *planned; /* by id */
	size_t nr_planned, planned_room;
	struct kern_unix_sockets host; /* those that were there before, if it matters */
	struct unix_set *late;	       /* of this process: they wait for the descriptors that come along */
};

/* identity-restore.c: be who made the other side of a socket, as its record says (NULL, or it does not say: stay who we are). */
struct unix_identity {
	bool changed;
	uid_t uid;
	gid_t gid;
	int securebits, dumpable;
};
int unix_become(const UnixSkEntry *of, struct unix_identity *was, struct img_err *err);
int unix_become_again(const struct unix_identity *was, struct img_err *err);

/* groups-restore.c: which sockets are made together. */
int unix_plan_groups(struct restore *r, struct restore_queues *q, struct img_err *err);
struct unix_planned *unix_planned_of(const struct restore *r, uint32_t id);

/* names-restore.c */
struct unix_naming {
	const UnixSkEntry *u; /* has a name */
	int fd;		      /* gets it */
	int root;	      /* of the mount namespace its file is in; -1: ours */
	bool passing;	      /* just for a moment: a file that is there stays */
	uint32_t *named;      /* see struct unix_planned; NULL: not to be noted */
	/* Called while fd can be found by the name; may be NULL. */
	int (*meet)(void *arg, const struct sockaddr_un *addr, socklen_t len, struct img_err *err);
	void *arg;
};
int unix_name(struct restore *r, const struct unix_naming *n, struct img_err *err);
socklen_t unix_address(const UnixSkEntry *u, struct sockaddr_un *addr);

/* queues-restore.c */
bool unix_has_queue(const struct restore *r, uint32_t id);
/* Does something come along with what waits for this socket? */
bool unix_has_rights(const struct restore *r, uint32_t id);
/* What waits for socket id, sent through fd. */
int unix_fill_queue(struct restore *r, struct restore_task *t, int fd, uint32_t id, struct img_err *err);

#endif
