/* engines/kernel/unix-diag.h -- the unix sockets of a network namespace: sock_diag(7), linux/unix_diag.h. */
#ifndef ENGINES_KERNEL_UNIX_DIAG_H
#define ENGINES_KERNEL_UNIX_DIAG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "criuimg/err.h"

struct kern_unix_socket {
	uint32_t ino;
	uint32_t peer;	   /* inode; 0: none, or gone */
	uint32_t rqueue;   /* bytes (SOCK_DGRAM: of the first message) to be read; of a listening socket connections */
	uint32_t wqueue;   /* bytes sent and not read by the peer; of a listening socket the backlog */
	uint8_t type;	   /* SOCK_* */
	uint8_t state;	   /* TCP_ESTABLISHED, TCP_CLOSE, TCP_LISTEN */
	uint8_t shutdown;  /* bit 0: reading, bit 1: writing */
	bool named;	   /* bound, or made by accept(2) of a socket that is */
	bool pending;	   /* connections wait to be accepted */
};

struct kern_unix_sockets {
	struct kern_unix_socket *items; /* by ino, ascending */
	size_t nr, room;
};

/* All of them, of the namespace that the caller is in. */
int kern_unix_sockets(struct kern_unix_sockets *out, struct img_err *err);
const struct kern_unix_socket *kern_unix_socket_find(const struct kern_unix_sockets *all, uint32_t ino);
void kern_unix_sockets_free(struct kern_unix_sockets *all);

#endif
