/* tests/kinds/unix/rights.c -- descriptors on their way through a socket: refused, and they still arrive. */
/* harness: expect: refused descriptors on their way */

#include <sys/socket.h>

#include "tests/harness/subject.h"

int main(int argc, char **argv)
{
	union {
		char bytes[CMSG_SPACE(sizeof(int))];
		struct cmsghdr align;
	} control = { { 0 } };
	char c = 'x';
	struct iovec io = { &c, 1 };
	struct msghdr msg = { .msg_iov = &io, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof(control) };
	struct cmsghdr *h = CMSG_FIRSTHDR(&msg);
	int p[2], fd;

	subject_begin(argc, argv);
	MUST(socketpair(AF_UNIX, SOCK_STREAM, 0, p) == 0);
	fd = open("/dev/null", O_RDWR);
	h->cmsg_level = SOL_SOCKET;
	h->cmsg_type = SCM_RIGHTS;
	h->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(h), &fd, sizeof(fd));
	MUST(sendmsg(p[0], &msg, 0) == 1 && close(fd) == 0);
	subject_wait();

	msg.msg_controllen = sizeof(control);
	CHECK(recvmsg(p[1], &msg, MSG_DONTWAIT) == 1 && c == 'x', "%s", strerror(errno));
	h = CMSG_FIRSTHDR(&msg);
	CHECK(h && h->cmsg_type == SCM_RIGHTS, "nothing came along");
	return subject_end();
}
