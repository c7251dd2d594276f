/* engines/kernel/unix-diag.h -- the unix sockets of a network namespace: sock_diag(7), linux/unix_diag.h. */
#ifndef ENGINES_KERNEL_UNIX_DIAG_H
#define ENGINES_KERNEL_UNIX_DIAG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "criuimg/err.h"

#define KERN_UNIX_NAME_MAX 108 /* sizeof sun_path */

struct kern_unix_socket {
	uint32_t ino;
	uint32_t peer;	   /* inode; 0: none, or gone */
	uint32_t rqueue;   /* bytes (SOCK_DGRAM: of the first message) to be read; of a listening socket connections */
	uint32_t wqueue;   /* bytes sent and not read by the peer; of a listening socket the backlog */
	uint8_t type;	   /* SOCK_* */
	uint8_t state;	   /* TCP_ESTABLISHED, TCP_CLOSE, TCP_LISTEN */
	uint8_t shutdown;  /* bit 0: reading, bit 1: writing */
	uint8_t name_len;  /* 0: neither bound, nor made by accept(2) of a socket that is */
	unsigned char name[KERN_UNIX_NAME_MAX]; /* sun_path; of a path with its NUL at the end; of an abstract name without one */
	bool has_file;	   /* bound to a path: */
	uint64_t file_ino; /* of the file then made; of btrfs and its like the lower 32 bits */
	uint32_t file_dev; /* as the kernel has it: kern_dev() */
	bool pending_gone; /* somebody whose connection waits to be accepted has closed it already */
};

/* Whose connection waits to be accepted, and where. */
struct kern_unix_pending {
	uint32_t ino, listener;
};

struct kern_unix_sockets {
	struct kern_unix_socket *items; /* by ino, ascending */
	size_t nr, room;
	struct kern_unix_pending *pending; /* by ino, ascending */
	size_t nr_pending, pending_room;
};

/* All of them, of the namespace that the caller is in, added to what is in out already (which is zeroed at first). */
int kern_unix_sockets(struct kern_unix_sockets *out, struct img_err *err);
const struct kern_unix_socket *kern_unix_socket_find(const struct kern_unix_sockets *all, uint32_t ino);
/* The socket that listens where the connection of ino waits; 0: it does not wait. */
uint32_t kern_unix_waits_at(const struct kern_unix_sockets *all, uint32_t ino);
void kern_unix_sockets_free(struct kern_unix_sockets *all);

#endif
