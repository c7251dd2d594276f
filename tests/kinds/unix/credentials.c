/* tests/kinds/unix/credentials.c -- who sent what waits in sockets: messages of two tasks, of one who says that he is another, of nobody,
 * empty ones, with a descriptor, and of a stream, where those of two senders are not glued together. */
/* harness: peer: CRIU 4.2 does not dump what waits in a socket with SO_PASSCRED */

#include <stdbool.h>
#include <sys/socket.h>

#include "tests/harness/family.h"

static int dgram[2], stream[2], seq[2];

static void put(int via, const char *text, const struct ucred *cred, int fd)
{
	union {
		char bytes[CMSG_SPACE(sizeof(*cred)) + CMSG_SPACE(sizeof(int))];
		struct cmsghdr align;
	} control = { { 0 } };
	struct iovec io = { (char *)text, strlen(text) };
	struct msghdr msg = { .msg_iov = &io, .msg_iovlen = 1, .msg_control = &control };
	struct cmsghdr *c = &control.align;

	if (cred) {
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_CREDENTIALS;
		c->cmsg_len = CMSG_LEN(sizeof(*cred));
		memcpy(CMSG_DATA(c), cred, sizeof(*cred));
		msg.msg_controllen += CMSG_SPACE(sizeof(*cred));
	}
	if (fd >= 0) {
		c = (struct cmsghdr *)(control.bytes + msg.msg_controllen);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(sizeof(fd));
		memcpy(CMSG_DATA(c), &fd, sizeof(fd));
		msg.msg_controllen += CMSG_SPACE(sizeof(fd));
	}
	MUST(sendmsg(via, &msg, 0) == (ssize_t)strlen(text));
}

static void get(int from, const char *text, pid_t pid, uid_t uid, bool along)
{
	union {
		char bytes[200];
		struct cmsghdr align;
	} control = { { 0 } };
	char buf[100] = "";
	struct iovec io = { buf, sizeof(buf) - 1 };
	struct msghdr msg = { .msg_iov = &io, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof(control) };
	ssize_t len = recvmsg(from, &msg, MSG_DONTWAIT);
	struct ucred cred = { -1, (uid_t)-1, (gid_t)-1 };
	bool came = false;

	for (struct cmsghdr *c = CMSG_FIRSTHDR(&msg); len >= 0 && c; c = CMSG_NXTHDR(&msg, c)) {
		if (c->cmsg_type == SCM_CREDENTIALS)
			memcpy(&cred, CMSG_DATA(c), sizeof(cred));
		came |= c->cmsg_type == SCM_RIGHTS;
	}
	CHECK(len == (ssize_t)strlen(text) && !strcmp(buf, text), "%zd bytes '%s', not '%s'", len, buf, text);
	CHECK(cred.pid == pid && cred.uid == uid, "'%s' is from pid %d, uid %d, not %d, %d", text, (int)cred.pid, (int)cred.uid, (int)pid,
		(int)uid);
	CHECK(came == along, "'%s': a descriptor %s", text, came ? "came" : "did not come");
}

static void child(void *arg)
{
	put(dgram[0], "child", NULL, -1);
	put(stream[0], "child.", NULL, -1);
	put(seq[0], "child", NULL, 0);
	child_up();
	subject_wait_for("go");
}

int main(int argc, char **argv)
{
	struct ucred other = { getpid(), 1234, 77 };
	int on = 1;
	pid_t pid;

	subject_begin(argc, argv);
	MUST(socketpair(AF_UNIX, SOCK_DGRAM, 0, dgram) == 0 && socketpair(AF_UNIX, SOCK_STREAM, 0, stream) == 0 &&
		socketpair(AF_UNIX, SOCK_SEQPACKET, 0, seq) == 0);
	put(dgram[0], "nobody", NULL, -1);
	put(stream[0], "nobody.", NULL, -1);
	MUST(setsockopt(dgram[1], SOL_SOCKET, SO_PASSCRED, &on, sizeof(on)) == 0 &&
		setsockopt(stream[1], SOL_SOCKET, SO_PASSCRED, &on, sizeof(on)) == 0);
	put(dgram[0], "parent", NULL, -1);
	put(stream[0], "parent.", NULL, -1);
	put(stream[0], "parent again.", NULL, -1);
	put(seq[0], "explicit", &other, -1);
	pid = child_start(child, NULL);
	put(dgram[0], "other", &other, 0);
	put(dgram[0], "", NULL, -1);
	put(stream[0], "other.", &other, -1);
	put(stream[0], "with.", &other, 0);
	put(seq[0], "", NULL, -1);
	put(seq[0], "last", NULL, -1);

	subject_wait();

	get(dgram[1], "nobody", 0, 65534, false);
	get(dgram[1], "parent", getpid(), 0, false);
	get(dgram[1], "child", pid, 0, false);
	get(dgram[1], "other", getpid(), 1234, true);
	get(dgram[1], "", getpid(), 0, false);
	get(stream[1], "nobody.", 0, 65534, false);
	get(stream[1], "parent.parent again.", getpid(), 0, false);
	get(stream[1], "child.", pid, 0, false);
	get(stream[1], "other.with.", getpid(), 1234, true);
	CHECK(setsockopt(seq[1], SOL_SOCKET, SO_PASSCRED, &on, sizeof(on)) == 0, "SO_PASSCRED");
	get(seq[1], "explicit", getpid(), 1234, false);
	get(seq[1], "child", 0, 65534, true);
	get(seq[1], "", 0, 65534, false);
	get(seq[1], "last", 0, 65534, false);
	child_end(pid);
	return subject_end();
}
