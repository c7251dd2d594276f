/* engines/fd/inet/check-dump.c -- what cannot be dumped of an internet socket: said before anything is touched. */

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>

#include "criu-dump/dump.h"
#include "criu-dump/files.h"
#include "criu-dump/inet-own.h"
#include "criuimg/array.h"
#include "criuimg/cleanup.h"
#include "kernel/getfd.h"

/* Of include/uapi/linux/{in,tcp,udp}.h; what older headers lack. */
enum {
	OPT_UDP_CORK = 1,
	OPT_TCP_SAVED_SYN = 28,
	OPT_TCP_AO_INFO = 40,
	QUEUE_MAX = 48 << 20, /* bytes, as the kernel accounts for them: a record has 64 MiB at most */
	PROTO_MPTCP = 262,
	PROTO_SMC = 256,
	PROTO_L2TP = 115,
};

/* Who works on the bytes of the connection in between: TLS of the kernel, for one. */
static int check_ulp(int fd, struct img_err *err)
{
	char ulp[16] = "";
	socklen_t len = sizeof(ulp) - 1;

	if (getsockopt(fd, IPPROTO_TCP, TCP_ULP, ulp, &len) == 0 && len && ulp[0])
		return img_fail(err, IMG_UNSUPPORTED, "a TCP socket with %s in the kernel is not supported", ulp);
	return 0;
}

/* Keys go in, and are never told. */
static int check_signed(int fd, const struct inet_socket *s, struct img_err *err)
{
	uint8_t info[256] = { 0 };
	socklen_t len = sizeof(info);

	if (s->seen && s->seen->md5)
		return img_fail(err, IMG_UNSUPPORTED, "a TCP socket with keys (TCP_MD5SIG) is not supported");
	if (getsockopt(fd, IPPROTO_TCP, OPT_TCP_AO_INFO, info, &len) == 0)
		return img_fail(err, IMG_UNSUPPORTED, "a TCP socket with keys (TCP_AO_ADD_KEY) is not supported");
	return 0;
}

/* A byte that is sent out of band is in no queue that can be read. */
static int check_urgent(int fd, struct img_err *err)
{
	struct pollfd p = { .fd = fd, .events = POLLPRI };

	if (poll(&p, 1, 0) > 0 && (p.revents & POLLPRI))
		return img_fail(err, IMG_UNSUPPORTED, "a TCP connection with urgent data that was not read yet is not supported");
	return 0;
}

static int check_tcp(struct dump *d, int fd, const struct inet_socket *s, struct img_err *err)
{
	if (s->state == TCP_LISTEN && s->pending && !d->opt->skip_in_flight)
		return img_fail(err, IMG_UNSUPPORTED,
			"%u connections that were not accepted yet are not supported (--skip-in-flight leaves them out)", s->pending);
	if (inet_connected(s) && !d->opt->tcp_established && !d->opt->tcp_close)
		return img_fail(err, IMG_UNSUPPORTED,
			"a TCP connection is dumped with --tcp-established only (or --tcp-close, which gives it up)");
	if (inet_connected(s) && !d->opt->tcp_close && check_urgent(fd, err) < 0)
		return -1;
	return check_ulp(fd, err) < 0 ? -1 : check_signed(fd, s, err);
}

static int check_udp(int fd, const struct inet_socket *s, struct img_err *err)
{
	int corked = 0;
	socklen_t len = sizeof(corked);

	if (getsockopt(fd, IPPROTO_UDP, OPT_UDP_CORK, &corked, &len) == 0 && corked)
		return img_fail(err, IMG_UNSUPPORTED, "a corked UDP socket is not supported: what it holds back cannot be read");
	if (s->seen && s->seen->rqueue > QUEUE_MAX)
		return img_fail(err, IMG_UNSUPPORTED, "a UDP socket with %u bytes that were not read yet is not supported", s->seen->rqueue);
	return 0;
}

static const struct {
	int protocol;
	const char *name;
} others[] = {
	{ PROTO_MPTCP, "MPTCP" },
	{ PROTO_SMC, "SMC" },
	{ IPPROTO_SCTP, "SCTP" },
	{ IPPROTO_DCCP, "DCCP" },
	{ PROTO_L2TP, "L2TP" },
};

static int refuse(const struct inet_socket *s, struct img_err *err)
{
	for (size_t i = 0; i < ARRAY_SIZE(others); i++)
		if (others[i].protocol == s->protocol)
			return img_fail(err, IMG_UNSUPPORTED, "a socket of protocol %s is not supported", others[i].name);
	return img_fail(err, IMG_UNSUPPORTED, "a socket of type %d and protocol %d is not supported", s->type, s->protocol);
}

static int check_kind(struct dump *d, int fd, const struct inet_socket *s, struct img_err *err)
{
	switch (s->type) {
	case SOCK_STREAM:
		if (s->protocol == IPPROTO_TCP)
			return check_tcp(d, fd, s, err);
		break;
	case SOCK_DGRAM:
		if (s->protocol == IPPROTO_UDP || s->protocol == IPPROTO_UDPLITE)
			return check_udp(fd, s, err);
		if (s->protocol == IPPROTO_ICMP || s->protocol == IPPROTO_ICMPV6)
			return 0;
		break;
	case SOCK_RAW:
		return 0;
	}
	return refuse(s, err);
}

/* ---- what is lost: a warning, refused under --strict ---- */

static bool loses_datagrams(int fd, const struct inet_socket *s)
{
	return s->type != SOCK_STREAM && s->seen && s->seen->rqueue && !inet_has_queue(s);
}

/* Errors of packets that were sent, copies of them with the time when they went. */
static bool loses_errors(int fd, const struct inet_socket *s)
{
	struct pollfd p = { .fd = fd };

	if (s->type == SOCK_STREAM && s->state == TCP_CLOSE)
		return false;
	return poll(&p, 1, 0) > 0 && (p.revents & POLLERR);
}

/* With no room for it the kernel tells how long it is, and keeps it. */
static bool loses_syn(int fd, const struct inet_socket *s)
{
	char none;
	socklen_t len = 0;

	if (s->type != SOCK_STREAM)
		return false;
	return getsockopt(fd, IPPROTO_TCP, OPT_TCP_SAVED_SYN, &none, &len) < 0 && errno == EINVAL && len;
}

static const struct {
	bool (*lost)(int fd, const struct inet_socket *s);
	const char *what;
} losses[] = {
	{ loses_datagrams, "datagrams that were not read yet are lost" },
	{ loses_errors, "errors that were not read yet are lost" },
	{ loses_syn, "the SYN that it has kept (TCP_SAVED_SYN) is lost" },
};

int inet_check_socket(struct dump *d, struct dump_task *t, const struct fd_probe *probe, struct img_err *err)
{
	struct inet_socket s;
	cleanup_fd int fd = -1;
	char what[32];

	fd = kern_getfd(t->pidfd, probe->fd, err);
	if (fd < 0 || inet_look(d, t, fd, probe->ino, &s, err) < 0 || check_kind(d, fd, &s, err) < 0)
		return -1;
	snprintf(what, sizeof(what), "fd %d", probe->fd);
	for (size_t i = 0; i < ARRAY_SIZE(losses); i++)
		if (losses[i].lost(fd, &s) && dump_unknown(d, t, what, "%s", losses[i].what) < 0)
			return -1;
	return 0;
}
