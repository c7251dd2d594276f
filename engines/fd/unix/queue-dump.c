/* engines/fd/unix/queue-dump.c -- what is to be read from a unix socket: looked at with MSG_PEEK and SO_PEEK_OFF, so that it stays. */

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "criuimg/cleanup.h"
#include "criu-dump/unix-own.h"

#define STREAM_PIECE (64u << 10)
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

	rights->nr = 0;
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
	see_fn *see;
	void *arg;
};

/* Bytes without descriptors are told together. */
static int tell_plain(struct stream *st, struct img_err *err)
{
	struct unix_rights none = { .nr = 0 };
	size_t len = st->len;

	st->len = 0;
	return len ? st->see(st->arg, st->data, len, &none, err) : 0;
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
		if (rights.nr)
			ret = tell_rights(fd, &st, place, (size_t)got, &rights, err);
		else
			st.len += (size_t)got;
		close_rights(&rights);
		place += (size_t)got;
	}
	if (ret == 0)
		ret = tell_plain(&st, err);
	free(st.data);
	return ret;
}

static int look_messages(int fd, bool ends, see_fn *see, void *arg, struct img_err *err)
{
	struct unix_rights rights;

	for (int i = 0; i < MESSAGES_MAX; i++) {
		cleanup_free char *data = NULL;
		ssize_t len, got;
		int ret;

		/* With no room at all the place of SO_PEEK_OFF does not move. */
		len = peek(fd, NULL, 0, MSG_TRUNC, &rights, err);
		if (len < 0)
			return len == -2 ? 0 : -1;
		data = malloc((size_t)len + 1);
		if (!data)
			return img_fail_nomem(err);
		got = peek(fd, data, (size_t)len, 0, &rights, err);
		if (got < 0)
			return got == -2 ? 0 : -1;
		if (len == 0 && ends && !rights.nr)
			return 0;
		ret = see(arg, data, (size_t)got, &rights, err);
		close_rights(&rights);
		if (ret < 0)
			return -1;
	}
	return img_fail(err, IMG_UNSUPPORTED, "a unix socket with more than %d messages in it is not supported", MESSAGES_MAX);
}

int unix_queue_look(int fd, const struct kern_unix_socket *s, see_fn *see, void *arg, struct img_err *err)
{
	/* Nothing to read is told as the end where there is an end. */
	bool ends = s->type != SOCK_DGRAM || s->shutdown & 1 || !s->peer;
	int before, start = 0, ret;
	socklen_t len = sizeof(before);

	if (getsockopt(fd, SOL_SOCKET, SO_PEEK_OFF, &before, &len) < 0 ||
	    setsockopt(fd, SOL_SOCKET, SO_PEEK_OFF, &start, sizeof(start)) < 0)
		return img_fail_sys(err, "SO_PEEK_OFF");
	ret = s->type == SOCK_STREAM ? look_stream(fd, see, arg, err) : look_messages(fd, ends, see, arg, err);
	if (setsockopt(fd, SOL_SOCKET, SO_PEEK_OFF, &before, sizeof(before)) < 0 && ret == 0)
		ret = img_fail_sys(err, "SO_PEEK_OFF");
	return ret;
}
