/* remote/conn.h -- a connection to another host, or to another program on this one. */
#ifndef ENGINES_REMOTE_CONN_H
#define ENGINES_REMOTE_CONN_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/uio.h>

#include "criuimg/err.h"

struct remote_tls;

struct remote_conn {
	int fd;			/* a stream socket; -1: none */
	struct remote_tls *tls; /* NULL: bytes go as they are */
	bool orderly; /* both ends know that no more will come: remote_close() may wait for a farewell */
};

/* Where: a host name or address (IPv4, IPv6, also in brackets), NULL for the usual one; or a unix socket: a path with a slash,
 * or "unix:PATH". The port is not used then. */

/* A listening socket (FD_CLOEXEC). NULL: all addresses of this host. Port 0: the kernel chooses; *port is the number in the
 * end, 0 for a unix socket. A socket file that nobody listens at is replaced. */
int remote_listen(const char *address, int *port, int *fd, struct img_err *err);
/* Close it; the name of a unix socket goes. */
void remote_unlisten(int fd);
/* A connected socket (FD_CLOEXEC). NULL: this host. */
int remote_connect(const char *address, int port, int *fd, struct img_err *err);
/* For every connected socket: a peer that vanished is noticed, small requests do not wait. */
void remote_tune(int fd);

/* All of it, or fail. iov is changed. */
int remote_sendv(struct remote_conn *c, struct iovec *iov, int nr, struct img_err *err);
int remote_send(struct remote_conn *c, const void *buf, size_t len, struct img_err *err);
/* Exactly len bytes: 1; 0 when the connection ends before the first one; -1. */
int remote_recv(struct remote_conn *c, void *buf, size_t len, struct img_err *err);
/* The same where an end before the first byte is a failure, too. */
int remote_recv_all(struct remote_conn *c, void *buf, size_t len, struct img_err *err);
void remote_close(struct remote_conn *c);

#endif
