/* engines/remote/conn.c -- bytes through a connection, plain or in TLS. */

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include "remote/conn.h"
#include "remote/tls.h"

static int lost(struct img_err *err)
{
	errno = ECONNRESET;
	return img_fail_sys(err, "the connection was lost");
}

void remote_tune(int fd)
{
	int on = 1;

	setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
}

static int sendv_plain(int fd, struct iovec *iov, int nr, struct img_err *err)
{
	while (nr) {
		struct msghdr msg = { .msg_iov = iov, .msg_iovlen = nr };
		ssize_t put = sendmsg(fd, &msg, MSG_NOSIGNAL);

		if (put < 0 && errno == EINTR)
			continue;
		if (put < 0 && (errno == EPIPE || errno == ECONNRESET))
			return lost(err);
		if (put < 0)
			return img_fail_sys(err, "sending");
		while (nr && (size_t)put >= iov->iov_len) {
			put -= iov->iov_len;
			iov++;
			nr--;
		}
		if (nr) {
			iov->iov_base = (char *)iov->iov_base + put;
			iov->iov_len -= put;
		}
	}
	return 0;
}

int remote_sendv(struct remote_conn *c, struct iovec *iov, int nr, struct img_err *err)
{
	if (!c->tls)
		return sendv_plain(c->fd, iov, nr, err);
	for (int i = 0; i < nr; i++)
		if (remote_tls_send(c->tls, iov[i].iov_base, iov[i].iov_len, err) < 0)
			return -1;
	return 0;
}

int remote_send(struct remote_conn *c, const void *buf, size_t len, struct img_err *err)
{
	struct iovec iov = { (void *)buf, len };

	return remote_sendv(c, &iov, 1, err);
}

static ssize_t recv_some(struct remote_conn *c, void *buf, size_t len, struct img_err *err)
{
	ssize_t got;

	if (c->tls)
		return remote_tls_recv(c->tls, buf, len, err);
	do
		got = recv(c->fd, buf, len, MSG_WAITALL);
	while (got < 0 && errno == EINTR);
	if (got < 0 && errno == ECONNRESET)
		return lost(err);
	return got < 0 ? img_fail_sys(err, "receiving") : got;
}

int remote_recv(struct remote_conn *c, void *buf, size_t len, struct img_err *err)
{
	size_t done = 0;

	while (done < len) {
		ssize_t got = recv_some(c, (char *)buf + done, len - done, err);

		if (got < 0)
			return -1;
		if (got == 0)
			return done ? lost(err) : 0;
		done += got;
	}
	return 1;
}

int remote_recv_all(struct remote_conn *c, void *buf, size_t len, struct img_err *err)
{
	int ret = remote_recv(c, buf, len, err);

	return ret == 0 ? lost(err) : ret < 0 ? -1 : 0;
}

void remote_close(struct remote_conn *c)
{
	remote_tls_close(c->tls, c->orderly);
	c->tls = NULL;
	if (c->fd >= 0)
		close(c->fd);
	c->fd = -1;
}
