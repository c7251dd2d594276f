/* crit/sockets.h -- sockets of all families in the same words. */
#ifndef CRIT_SOCKETS_H
#define CRIT_SOCKETS_H

#include "objects.h"

struct socket_text {
	const char *proto; /* "tcp", "udp6", "unix dgram", "netlink" */
	const char *state; /* "LISTEN" */
	char *local, *peer; /* "127.0.0.1:80", "@name", "/run/x", ""; owned */
	uint32_t ino;
	char buf[2][24]; /* of numbers without names */
};

bool socket_is(FdTypes type);
/* 0, -1 without memory. */
int socket_describe(const struct objects *objects, const struct object *object, struct socket_text *text);
void socket_text_free(struct socket_text *text);

#endif
