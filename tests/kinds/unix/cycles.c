/* tests/kinds/unix/cycles.c -- sockets that wait in queues of each other, and nowhere else: a pair in its own queue, two pairs in each other's,
 * a listening socket in the queue of a connection to it, a chain of ten, each in the queue of the one before it.
 *
 * harness: to-peer: it knows no sockets in queues that are in queues
 * harness: from-peer: it knows no sockets in queues that are in queues
 */

#include <stddef.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "tests/harness/subject.h"

enum { CHAIN = 10 };

static void give(int over, const int *fds, int nr, char text)
{
	char control[CMSG_SPACE(4 * sizeof(int))] = { 0 };
	struct iovec iov = { &text, 1 };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control, .msg_controllen = CMSG_SPACE(nr * sizeof(int)) };
	struct cmsghdr *c = CMSG_FIRSTHDR(&msg);

	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(nr * sizeof(int));
	memcpy(CMSG_DATA(c), fds, nr * sizeof(int));
	MUST(sendmsg(over, &msg, 0) == 1);
}

static int take(int from, int *fds, int nr, char text)
{
	char control[CMSG_SPACE(4 * sizeof(int))] = { 0 }, got = 0;
	struct iovec iov = { &got, 1 };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof(control) };
	struct cmsghdr *c;

	CHECK(recvmsg(from, &msg, MSG_DONTWAIT) == 1 && got == text, "message %c: %s", text, strerror(errno));
	c = CMSG_FIRSTHDR(&msg);
	CHECK(c && c->cmsg_len == CMSG_LEN(nr * sizeof(int)), "message %c: no descriptors", text);
	if (!c || c->cmsg_len != CMSG_LEN(nr * sizeof(int)))
		return -1;
	memcpy(fds, CMSG_DATA(c), nr * sizeof(int));
	return 0;
}

static void talk(int a, int b, const char *what)
{
	char c = 0;

	CHECK(send(a, "t", 1, MSG_DONTWAIT) == 1 && recv(b, &c, 1, MSG_DONTWAIT) == 1 && c == 't', "%s: nothing passes: %s", what,
	      strerror(errno));
}

int main(int argc, char **argv)
{
	int own[2], x[2], y[2], l, c, a, link[CHAIN][2], got[4], first, second;
	struct sockaddr_un addr = { .sun_family = AF_UNIX, .sun_path = "server" };

	subject_begin(argc, argv);
	/* a pair whose one end has both in its queue */
	MUST(socketpair(AF_UNIX, SOCK_STREAM, 0, own) == 0);
	give(own[1], own, 2, 'o');
	/* two pairs, each in the other's queue */
	MUST(socketpair(AF_UNIX, SOCK_DGRAM, 0, x) == 0 && socketpair(AF_UNIX, SOCK_SEQPACKET, 0, y) == 0);
	give(x[1], y, 2, 'x');
	give(y[1], x, 2, 'y');
	close(x[1]);
	close(y[1]);
	close(y[0]);
	/* a server that is in the queue of its own connection alone */
	l = socket(AF_UNIX, SOCK_STREAM, 0);
	MUST(bind(l, (struct sockaddr *)&addr, sizeof(addr)) == 0 && listen(l, 2) == 0);
	c = socket(AF_UNIX, SOCK_STREAM, 0);
	MUST(connect(c, (struct sockaddr *)&addr, sizeof(addr)) == 0 && (a = accept(l, NULL, NULL)) >= 0);
	give(a, &l, 1, 'l');
	close(l);
	/* a chain of which the first one is held */
	for (int i = 0; i < CHAIN; i++)
		MUST(socketpair(AF_UNIX, SOCK_STREAM, 0, link[i]) == 0);
	for (int i = CHAIN - 1; i > 0; i--) {
		give(link[i - 1][1], link[i], 2, (char)('0' + i));
		close(link[i][0]);
		close(link[i][1]);
	}

	subject_wait();

	if (take(own[0], got, 2, 'o') == 0) {
		talk(got[0], own[1], "own");
		talk(own[0], got[1], "own, back");
	}
	if (take(x[0], got, 2, 'x') == 0) {
		first = got[0];
		second = got[1];
		CHECK(take(first, got, 2, 'y') == 0, "the other pair");
		talk(second, first, "the second pair");
		talk(got[1], x[0], "the first pair");
	}
	CHECK(take(c, got, 1, 'l') == 0, "the server");
	l = got[0];
	c = socket(AF_UNIX, SOCK_STREAM, 0);
	CHECK(connect(c, (struct sockaddr *)&addr, sizeof(addr)) == 0 && (a = accept4(l, NULL, NULL, SOCK_NONBLOCK)) >= 0, "the server: %s",
	      strerror(errno));
	talk(c, a, "the server");
	got[0] = link[0][0];
	for (int i = 1; i < CHAIN; i++)
		if (take(got[0], got, 2, (char)('0' + i)) < 0)
			break;
	talk(got[1], got[0], "the end of the chain");
	return subject_end();
}
