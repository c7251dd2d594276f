/* engines/remote/address.c -- from what a user calls an address to a socket. */

#include <errno.h>
#include <netdb.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "criuimg/cleanup.h"
#include "remote/conn.h"

enum {
	BACKLOG = 64,
	PORT_MAX = 65535,
};

/* The path of a unix socket, or NULL when it is none. */
static const char *unix_path(const char *address)
{
	if (!address)
		return NULL;
	if (!strncmp(address, "unix:", 5))
		return address + 5;
	return strchr(address, '/') ? address : NULL;
}

static int unix_address(const char *path, struct sockaddr_un *un, struct img_err *err)
{
	*un = (struct sockaddr_un){ .sun_family = AF_UNIX };
	if (!*path || strlen(path) >= sizeof(un->sun_path))
		return img_fail(err, IMG_USAGE, "\"%s\" is no name for a unix socket: 1 to %zu bytes", path,
			sizeof(un->sun_path) - 1);
	strcpy(un->sun_path, path);
	return 0;
}

static int unix_connect(const char *path, int *out, struct img_err *err)
{
	cleanup_fd int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct sockaddr_un un;

	if (fd < 0)
		return img_fail_sys(err, "unix socket");
	if (unix_address(path, &un, err) < 0)
		return -1;
	if (connect(fd, (struct sockaddr *)&un, sizeof(un)) < 0)
		return img_fail_sys(err, "connecting to %s", path);
	*out = steal_fd(&fd);
	return 0;
}

/* Is it the name of a socket that is no more: left from someone who was killed? A datagram socket asks: where there is a socket of
 * another type it hears so, and nobody has been connected to. */
static bool is_left(const struct sockaddr_un *un)
{
	cleanup_fd int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	return fd >= 0 && connect(fd, (const struct sockaddr *)un, sizeof(*un)) < 0 && errno == ECONNREFUSED;
}

static int unix_listen(const char *path, int *out, struct img_err *err)
{
	cleanup_fd int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct sockaddr_un un;
	int ret;

	if (fd < 0)
		return img_fail_sys(err, "unix socket");
	if (unix_address(path, &un, err) < 0)
		return -1;
	ret = bind(fd, (struct sockaddr *)&un, sizeof(un));
	if (ret < 0 && errno == EADDRINUSE) {
		if (is_left(&un) && unlink(path) == 0)
			ret = bind(fd, (struct sockaddr *)&un, sizeof(un));
		else
			errno = EADDRINUSE;
	}
	if (ret < 0 || listen(fd, BACKLOG) < 0)
		return img_fail_sys(err, "listening at %s", path);
	*out = steal_fd(&fd);
	return 0;
}

/* An address in brackets, without them. */
static const char *bare(const char *address, char *buf, size_t size)
{
	size_t len = address ? strlen(address) : 0;

	if (len < 2 || address[0] != '[' || address[len - 1] != ']' || len - 2 >= size)
		return address;
	memcpy(buf, address + 1, len - 2);
	buf[len - 2] = '\0';
	return buf;
}

static int look_up(const char *address, int port, bool listening, struct addrinfo **list, struct img_err *err)
{
	struct addrinfo hints = { .ai_family = AF_UNSPEC,
		.ai_socktype = SOCK_STREAM,
		.ai_flags = AI_NUMERICSERV | (listening ? AI_PASSIVE : 0) };
	char service[16], buf[256];
	int ret;

	if (port < 0 || port > PORT_MAX)
		return img_fail(err, IMG_USAGE, "%d is no port", port);
	/* Without a name the old address of all: the one that every client finds. */
	if (!address && listening)
		address = "0.0.0.0";
	snprintf(service, sizeof(service), "%d", port);
	ret = getaddrinfo(bare(address, buf, sizeof(buf)), service, &hints, list);
	if (ret == EAI_SYSTEM)
		return img_fail_sys(err, "address %s", address);
	if (ret)
		return img_fail(err, IMG_USAGE, "address %s: %s", address ? address : "of this host",
			gai_strerror(ret));
	return 0;
}

static int bound_port(int fd)
{
	struct sockaddr_storage ss;
	socklen_t len = sizeof(ss);
	char service[16];

	if (getsockname(fd, (struct sockaddr *)&ss, &len) < 0 ||
		getnameinfo((struct sockaddr *)&ss, len, NULL, 0, service, sizeof(service),
			NI_NUMERICSERV | NI_NUMERICHOST))
		return 0;
	return atoi(service);
}

int remote_listen(const char *address, int *port, int *out, struct img_err *err)
{
	const char *path = unix_path(address);
	struct addrinfo *list;
	cleanup_fd int fd = -1;
	int on = 1;

	if (path) {
		*port = 0;
		return unix_listen(path, out, err);
	}
	if (look_up(address, *port, true, &list, err) < 0)
		return -1;
	for (const struct addrinfo *ai = list; ai && fd < 0; ai = ai->ai_next) {
		fd = socket(ai->ai_family, ai->ai_socktype | SOCK_CLOEXEC, ai->ai_protocol);
		if (fd < 0)
			continue;
		setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
		if (bind(fd, ai->ai_addr, ai->ai_addrlen) < 0 || listen(fd, BACKLOG) < 0) {
			int saved = errno;

			close(steal_fd(&fd));
			errno = saved;
		}
	}
	freeaddrinfo(list);
	if (fd < 0)
		return img_fail_sys(
			err, "listening at %s, port %d", address ? address : "all addresses", *port);
	*port = bound_port(fd);
	*out = steal_fd(&fd);
	return 0;
}

void remote_unlisten(int fd)
{
	struct sockaddr_un un;
	socklen_t len = sizeof(un);

	if (fd < 0)
		return;
	if (getsockname(fd, (struct sockaddr *)&un, &len) == 0 && un.sun_family == AF_UNIX &&
		len > offsetof(struct sockaddr_un, sun_path) && un.sun_path[0])
		unlink(un.sun_path);
	close(fd);
}

int remote_connect(const char *address, int port, int *out, struct img_err *err)
{
	const char *path = unix_path(address);
	struct addrinfo *list;
	cleanup_fd int fd = -1;
	int saved = 0;

	if (path)
		return unix_connect(path, out, err);
	if (look_up(address, port, false, &list, err) < 0)
		return -1;
	for (const struct addrinfo *ai = list; ai && fd < 0; ai = ai->ai_next) {
		fd = socket(ai->ai_family, ai->ai_socktype | SOCK_CLOEXEC, ai->ai_protocol);
		if (fd >= 0 && connect(fd, ai->ai_addr, ai->ai_addrlen) == 0)
			break;
		saved = errno;
		if (fd >= 0)
			close(steal_fd(&fd));
	}
	freeaddrinfo(list);
	errno = saved;
	if (fd < 0)
		return img_fail_sys(err, "connecting to %s, port %d", address ? address : "this host", port);
	remote_tune(fd);
	*out = steal_fd(&fd);
	return 0;
}
