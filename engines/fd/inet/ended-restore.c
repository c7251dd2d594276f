/* engines/fd/inet/ended-restore.c -- sockets whose connection is over.
 *
 * Nothing but a connection makes them: one over the loopback device is, for a moment. What had come and was not read comes again;
 * then both sides say that it was all.
 */

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <sys/ioctl.h>
#include <linux/sockios.h>

#include "criu-restore/files.h"
#include "criu-restore/inet-own.h"
#include "criu-restore/restore.h"
#include "criuimg/cleanup.h"
#include "kernel/net-lock.h"

enum {
	PATIENCE = 5000, /* ms, for packets to go over the loopback device */
};

static socklen_t loopback(int family, union inet_address *addr)
{
	struct sockaddr_in *v4 = (struct sockaddr_in *)&addr->storage;
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)&addr->storage;

	memset(addr, 0, sizeof(*addr));
	addr->any.sa_family = (sa_family_t)family;
	if (family == AF_INET) {
		v4->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
		return sizeof(*v4);
	}
	v6->sin6_addr = in6addr_loopback;
	return sizeof(*v6);
}

/* Connect fd to ourselves: the other end. */
static int other_end(int fd, int family, struct img_err *err)
{
	cleanup_fd int listener = socket(family, SOCK_STREAM | SOCK_CLOEXEC, IPPROTO_TCP);
	union inet_address addr;
	socklen_t len = loopback(family, &addr);
	int end;

	/* Nothing else passes in a namespace that is locked. */
	if (inet_set(fd, SOL_SOCKET, SO_MARK, "SO_MARK", KERN_NET_LOCK_MARK, err) < 0 || (listener >= 0 &&
	    inet_set(listener, SOL_SOCKET, SO_MARK, "SO_MARK", KERN_NET_LOCK_MARK, err) < 0))
		return -1;
	if (listener < 0 || bind(listener, &addr.any, len) < 0 || listen(listener, 1) < 0 ||
	    getsockname(listener, &addr.any, &len) < 0 || connect(fd, &addr.any, len) < 0)
		return img_fail_sys(err, "a connection over the loopback device");
	end = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
	return end < 0 ? img_fail_sys(err, "accept") : end;
}

static int send_all(int fd, const char *data, size_t len, struct img_err *err)
{
	while (len) {
		struct pollfd p = { .fd = fd, .events = POLLOUT };
		ssize_t n = send(fd, data, len, MSG_DONTWAIT | MSG_NOSIGNAL);

		if (n < 0 && errno == EAGAIN && poll(&p, 1, PATIENCE) > 0)
			continue;
		if (n < 0)
			return img_fail_sys(err, "%zu bytes that had come do not fit", len);
		data += n;
		len -= (size_t)n;
	}
	return 0;
}

static int state_of(int fd)
{
	struct tcp_info info = { 0 };
	socklen_t len = sizeof(info);

	return getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &len) < 0 ? -1 : info.tcpi_state;
}

/* Both have shut down: it takes the packets some time. */
static int wait_for_end(int fd, struct img_err *err)
{
	const struct timespec a_little = { .tv_nsec = 1000000 };

	for (int ms = 0; ms < PATIENCE; ms++) {
		if (state_of(fd) == TCP_CLOSE)
			return 0;
		nanosleep(&a_little, NULL);
	}
	return img_fail(err, IMG_SYS, "a connection over the loopback device does not come to its end");
}

int inet_ended_make(struct restore *r, int fd, const InetSkEntry *isk, struct img_err *err)
{
	struct inet_stream s = { 0 };
	cleanup_fd int other = -1;
	int ret;

	if (isk->state == TCP_CLOSE && inet_stream_there(r, isk, &s, err) < 0)
		return -1;
	ret = s.rec && s.rec->inq_len ? restore_sock_room(fd, SO_RCVBUF, INT32_MAX / 2, err) : 0;
	if (ret == 0) {
		other = other_end(fd, (int)isk->family, err);
		ret = other;
	}
	if (ret >= 0 && s.rec)
		ret = send_all(other, s.inq, s.rec->inq_len, err);
	if (ret >= 0 && (shutdown(other, SHUT_WR) < 0 || shutdown(fd, SHUT_WR) < 0))
		ret = img_fail_sys(err, "shutdown");
	inet_stream_free(&s);
	if (ret < 0 || wait_for_end(fd, err) < 0 ||
	    inet_set(fd, SOL_SOCKET, SO_MARK, "SO_MARK", isk->opts->has_so_mark ? (int)isk->opts->so_mark : 0, err) < 0)
		return -1;
	return restore_sock_buffers(fd, isk->opts, err);
}
