/* engines/fd/unix/queue-dump.c -- what is to be read from a unix socket: looked at with MSG_PEEK and SO_PEEK_OFF, so that it stays. */

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "criuimg/array.h"
#include "criuimg/cleanup.h"
#include "criu-dump/unix-own.h"

#define STREAM_PIECE (64u << 10)
#define MESSAGE_ROOM (64u << 10)
#define OVERFLOW_ID 65534 /* who is not known: kernel.overflowuid */
#define MESSAGES_MAX 100000 /* more than any queue holds: net.unix.max_dgram_qlen, SO_RCVBUF */

static void close_rights(struct unix_rights *rights)
{
	for (size_t i = 0; i < rights->nr; i++)
		img_cleanup_fd(&rights->fds[i]);
	rights->nr = 0;
}

/* What came along is a descriptor of ours by looking. */
static void take_rights(struct msghdr *msg, struct unix_rights *rights)
{
	for (struct cmsghdr *c = CMSG_FIRSTHDR(msg); c; c = CMSG_NXTHDR(msg, c)) {
		size_t nr = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);

		if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_CREDENTIALS && c->cmsg_len >= CMSG_LEN(sizeof(rights->cred))) {
			memcpy(&rights->cred, CMSG_DATA(c), sizeof(rights->cred));
			rights->message = true;
			rights->has_cred = rights->cred.pid || rights->cred.uid != OVERFLOW_ID || rights->cred.gid != OVERFLOW_ID;
		}
		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS || nr > UNIX_RIGHTS_MAX - rights->nr)
			continue;
		memcpy(rights->fds + rights->nr, CMSG_DATA(c), nr * sizeof(int));
		rights->nr += nr;
	}
}

/* Look at what comes next: its length, or -2 when there is nothing more. */
static ssize_t peek(int fd, void *buf, size_t len, int flags, struct unix_rights *rights, struct img_err *err)
{
	union {
		char bytes[CMSG_SPACE(UNIX_RIGHTS_MAX * sizeof(int)) + 512]; /* credentials, security labels, pidfds */
		struct cmsghdr align;
	} control;
	struct iovec io = { buf, len };
	struct msghdr msg = { .msg_iov = &io, .msg_iovlen = 1 };
	ssize_t got;

	*rights = (struct unix_rights){ .nr = 0 };
	/* With no place for descriptors there are none made. */
	if (!(flags & MSG_TRUNC)) {
		msg.msg_control = &control;
		msg.msg_controllen = sizeof(control);
	}
	got = recvmsg(fd, &msg, MSG_PEEK | MSG_DONTWAIT | MSG_CMSG_CLOEXEC | flags);
	if (got < 0)
		return errno == EAGAIN ? -2 : img_fail_sys(err, "look at what is to be read");
	take_rights(&msg, rights);
	if (!(flags & MSG_TRUNC) && msg.msg_flags & MSG_CTRUNC) {
		close_rights(rights);
		return img_fail(err, IMG_SYS, "the descriptors on their way to it could not be had: too many are open");
	}
	return got;
}

typedef int see_fn(void *arg, const void *data, size_t len, struct unix_rights *rights, struct img_err *err);

static int look_from(int fd, size_t place, struct img_err *err)
{
	int off = (int)place;

	return setsockopt(fd, SOL_SOCKET, SO_PEEK_OFF, &off, sizeof(off)) < 0 ? img_fail_sys(err, "SO_PEEK_OFF") : 0;
}

/* The kernel ends a look at a stream behind a piece with descriptors, not before it, and it hands out those of the piece that comes
 * next even when there is no room for a byte of it. Of got bytes from place on, how many come before that piece? A look that
 * cannot store the last of the bytes ends before the piece that it belongs to. */
static ssize_t before_rights(int fd, size_t place, size_t got, struct img_err *err)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE), room = (got + page - 1) / page * page;
	struct img_err why = IMG_ERR_INIT;
	struct unix_rights rights;
	ssize_t before;
	char *area;

	if (look_from(fd, place, err) < 0)
		return -1;
	area = mmap(NULL, room + page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (area == MAP_FAILED || mprotect(area, room, PROT_READ | PROT_WRITE) < 0)
		return img_fail_nomem(err);
	before = peek(fd, area + room - (got - 1), got, 0, &rights, &why);
	close_rights(&rights);
	munmap(area, room + page);
	if (before == -1 && why.sys_errno == EFAULT)
		before = 0; /* it is the first piece */
	if (before < 0 || (size_t)before >= got) {
		*err = why;
		return before == -1 ? -1 : img_fail(err, IMG_SYS, "a queue changes while it is looked at");
	}
	return look_from(fd, place + got, err) < 0 ? -1 : before;
}

struct stream {
	char *data;
	size_t len, room;
	struct unix_rights plain; /* who sent what is in data */
	see_fn *see;
	void *arg;
};

/* Bytes without descriptors are told together. */
static int tell_plain(struct stream *st, struct img_err *err)
{
	size_t len = st->len;

	st->len = 0;
	return len ? st->see(st->arg, st->data, len, &st->plain, err) : 0;
}

static int tell_rights(int fd, struct stream *st, size_t place, size_t got, struct unix_rights *rights, struct img_err *err)
{
	ssize_t before = before_rights(fd, place, got, err);
	size_t at = st->len + (size_t)before;

	if (before < 0)
		return -1;
	st->len = at;
	if (tell_plain(st, err) < 0)
		return -1;
	return st->see(st->arg, st->data + at, got - (size_t)before, rights, err);
}

static bool same_sender(const struct unix_rights *a, const struct unix_rights *b)
{
	return a->has_cred == b->has_cred && (!a->has_cred || !memcmp(&a->cred, &b->cred, sizeof(a->cred)));
}

static int look_stream(int fd, see_fn *see, void *arg, struct img_err *err)
{
	struct stream st = { .see = see, .arg = arg };
	struct unix_rights rights;
	size_t place = 0;
	ssize_t got;
	int ret = 0;

	while (ret == 0) {
		if (st.room - st.len < STREAM_PIECE) {
			char *grown = realloc(st.data, st.room = st.room ? 2 * st.room : 2 * STREAM_PIECE);

			if (!grown) {
				ret = img_fail_nomem(err);
				break;
			}
			st.data = grown;
		}
		got = peek(fd, st.data + st.len, STREAM_PIECE, 0, &rights, err);
		if (got == -1)
			ret = -1;
		if (got <= 0)
			break;
		if (st.len && !same_sender(&rights, &st.plain)) {
			size_t before = st.len;

			ret = tell_plain(&st, err);
			memmove(st.data, st.data + before, (size_t)got);
		}
		st.plain = (struct unix_rights){ .has_cred = rights.has_cred, .cred = rights.cred };
		if (ret == 0 && rights.nr)
			ret = tell_rights(fd, &st, place, (size_t)got, &rights, err);
		else
			st.len += ret == 0 ? (size_t)got : 0;
		close_rights(&rights);
		place += (size_t)got;
	}
	if (ret == 0)
		ret = tell_plain(&st, err);
	free(st.data);
	return ret;
}

/* ---- messages ---- */

/* A message of no bytes is skipped by every look but the first (__skb_try_recv_from_queue(), skb->peeked): so it is kept. */
static const struct unix_empty *kept_empty(const struct unix_empties *empties, uint32_t ino, uint32_t nr)
{
	for (size_t i = 0; i < empties->nr; i++)
		if (empties->items[i].ino == ino && empties->items[i].place == nr)
			return &empties->items[i];
	return NULL;
}

static int keep_empty(struct unix_empties *empties, uint32_t ino, uint32_t nr, const struct unix_rights *rights, struct img_err *err)
{
	struct unix_empty *e = img_array_more(&empties->items, empties->nr, &empties->room);

	if (!e)
		return img_fail_nomem(err);
	empties->nr++;
	*e = (struct unix_empty){ .ino = ino, .place = nr, .rights = *rights };
	for (size_t i = 0; i < rights->nr; i++) {
		e->rights.fds[i] = fcntl(rights->fds[i], F_DUPFD_CLOEXEC, 0);
		if (e->rights.fds[i] < 0)
			return img_fail_sys(err, "duplicate a descriptor");
	}
	return 0;
}

void unix_empties_free(struct unix_empties *empties)
{
	for (size_t i = 0; i < empties->nr; i++)
		close_rights(&empties->items[i].rights);
	free(empties->items);
}

static int tell_empty(const struct unix_empty *e, see_fn *see, void *arg, struct img_err *err)
{
	struct unix_rights rights = e->rights;
	int ret;

	for (size_t i = 0; i < rights.nr; i++)
		rights.fds[i] = fcntl(e->rights.fds[i], F_DUPFD_CLOEXEC, 0);
	ret = see(arg, "", 0, &rights, err);
	close_rights(&rights);
	return ret;
}

/* The next message, whole: its length, or -2. */
static ssize_t next_message(int fd, size_t place, char **data, size_t *room, struct unix_rights *rights, struct img_err *err)
{
	ssize_t got;

	*rights = (struct unix_rights){ .nr = 0 };
	got = *data ? peek(fd, *data, *room, 0, rights, err) : 0;
	if (got < 0 || ((size_t)got < *room && *data))
		return got;
	/* It fills all there is: how long is it? */
	close_rights(rights);
	if (look_from(fd, place, err) < 0)
		return -1;
	if (*data) {
		got = peek(fd, NULL, 0, MSG_TRUNC, rights, err);
		if (got < 0)
			return got;
	}
	free(*data);
	*room = (size_t)got + MESSAGE_ROOM;
	*data = malloc(*room);
	if (!*data)
		return img_fail_nomem(err);
	if (look_from(fd, place, err) < 0)
		return -1;
	return peek(fd, *data, *room, 0, rights, err);
}

static int look_messages(int fd, const struct kern_unix_socket *s, bool ends, struct unix_empties *empties, see_fn *see, void *arg,
	struct img_err *err)
{
	cleanup_free char *data = NULL;
	size_t room = 0, place = 0;
	struct unix_rights rights;

	for (uint32_t i = 0; i < MESSAGES_MAX; i++) {
		const struct unix_empty *empty = kept_empty(empties, s->ino, i);
		ssize_t len;
		int ret;

		if (empty) {
			if (tell_empty(empty, see, arg, err) < 0)
				return -1;
			continue;
		}
		len = next_message(fd, place, &data, &room, &rights, err);
		if (len < 0)
			return len == -2 ? 0 : -1;
		if (len == 0 && ends && !rights.nr && !rights.message)
			return 0;
		if (len == 0 && keep_empty(empties, s->ino, i, &rights, err) < 0)
			return -1;
		place += (size_t)len;
		ret = see(arg, data, (size_t)len, &rights, err);
		close_rights(&rights);
		if (ret < 0)
			return -1;
	}
	return img_fail(err, IMG_UNSUPPORTED, "a unix socket with more than %d messages in it is not supported", MESSAGES_MAX);
}

int unix_queue_look(int fd, const struct kern_unix_socket *s, struct unix_empties *empties, see_fn *see, void *arg, struct img_err *err)
{
	/* Nothing to read is told as the end where there is an end. */
	bool ends = s->type != SOCK_DGRAM || s->shutdown & 1 || !s->peer;
	int before, start = 0, told, on = 1, ret;
	socklen_t len = sizeof(before);
	struct pollfd p = { .fd = fd, .events = POLLIN };

	/* Most have nothing: no look at those. */
	if (poll(&p, 1, 0) == 0 && (s->type == SOCK_STREAM || !kept_empty(empties, s->ino, 0)))
		return 0;
	if (getsockopt(fd, SOL_SOCKET, SO_PASSCRED, &told, &len) < 0 || getsockopt(fd, SOL_SOCKET, SO_PEEK_OFF, &before, &len) < 0 ||
		setsockopt(fd, SOL_SOCKET, SO_PEEK_OFF, &start, sizeof(start)) < 0)
		return img_fail_sys(err, "SO_PEEK_OFF");
	/* Who sent it is kept in any case; it is told where that was asked for. */
	if (!told && setsockopt(fd, SOL_SOCKET, SO_PASSCRED, &on, sizeof(on)) < 0)
		return img_fail_sys(err, "SO_PASSCRED");
	ret = s->type == SOCK_STREAM ? look_stream(fd, see, arg, err) : look_messages(fd, s, ends, empties, see, arg, err);
	if (!told && setsockopt(fd, SOL_SOCKET, SO_PASSCRED, &told, sizeof(told)) < 0 && ret == 0)
		ret = img_fail_sys(err, "SO_PASSCRED");
	if (setsockopt(fd, SOL_SOCKET, SO_PEEK_OFF, &before, sizeof(before)) < 0 && ret == 0)
		ret = img_fail_sys(err, "SO_PEEK_OFF");
	return ret;
}
