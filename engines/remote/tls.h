/* remote/tls.h -- TLS around a connection, by gnutls. */
#ifndef ENGINES_REMOTE_TLS_H
#define ENGINES_REMOTE_TLS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "criuimg/err.h"
#include "options/options.h"

struct remote_tls;

/* Can the library and the files that the options name be used? */
int remote_tls_check(const struct options *opt, struct img_err *err);
/* A session over the connected socket fd (which stays the caller's), by the --tls-* options: the handshake is done and the
 * other end's certificate is verified when this returns. host: the name that the server's certificate must have (clients);
 * NULL: it is not compared. NULL on failure. */
struct remote_tls *remote_tls_start(
	const struct options *opt, int fd, bool server, const char *host, struct img_err *err);
/* All of it, or fail. */
int remote_tls_send(struct remote_tls *tls, const void *buf, size_t len, struct img_err *err);
/* At least one byte, 0 at the end, -1. */
ssize_t remote_tls_recv(struct remote_tls *tls, void *buf, size_t len, struct img_err *err);
/* orderly: all was said, and the other end knows: its farewell is waited for, for a while. NULL is fine. */
void remote_tls_close(struct remote_tls *tls, bool orderly);

#endif
