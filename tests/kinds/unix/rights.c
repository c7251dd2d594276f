/* tests/kinds/unix/rights.c -- descriptors on their way through sockets: of things that nobody else has open, the ends of a pipe, sockets with
 * a queue of their own, several with one message, in the middle of a stream. */
/* harness: from-peer: CRIU 4.2 lets descriptors come along with what was in the stream before them. */

#include <stddef.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

#include "tests/harness/family.h"

static void put(int via, const char *text, const int *fds, size_t nr)
{
	union {
		char bytes[CMSG_SPACE(8 * sizeof(int))];
		struct cmsghdr align;
	} control = { { 0 } };
	struct iovec io = { (char *)text, strlen(text) };
	struct msghdr msg = { .msg_iov = &io, .msg_iovlen = 1, .msg_control = nr ? &control : NULL };
	struct cmsghdr *h = &control.align;

	msg.msg_controllen = nr ? CMSG_SPACE(nr * sizeof(int)) : 0;
	h->cmsg_level = SOL_SOCKET;
	h->cmsg_type = SCM_RIGHTS;
	h->cmsg_len = CMSG_LEN(nr * sizeof(int));
	memcpy(CMSG_DATA(h), fds, nr * sizeof(int));
	MUST(sendmsg(via, &msg, 0) == (ssize_t)strlen(text));
}

static void get(const char *what, int via, const char *text, int *fds, size_t nr)
{
	union {
		char bytes[CMSG_SPACE(8 * sizeof(int))];
		struct cmsghdr align;
	} control = { { 0 } };
	char buf[40] = "";
	struct iovec io = { buf, strlen(text) };
	struct msghdr msg = { .msg_iov = &io, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof(control) };
	ssize_t got = recvmsg(via, &msg, MSG_DONTWAIT);
	struct cmsghdr *h = CMSG_FIRSTHDR(&msg);
	size_t came = h && h->cmsg_type == SCM_RIGHTS ? (h->cmsg_len - CMSG_LEN(0)) / sizeof(int) : 0;

	CHECK(got == (ssize_t)strlen(text) && !strcmp(buf, text), "%s: %zd bytes '%s'", what, got, buf);
	CHECK(came == nr, "%s: %zu descriptors came along, not %zu", what, came, nr);
	for (size_t i = 0; i < nr; i++)
		fds[i] = -1;
	if (came == nr && nr)
		memcpy(fds, CMSG_DATA(h), nr * sizeof(int));
}

static void passes(const char *what, int to, int from)
{
	char c = 0;

	CHECK(write(to, "p", 1) == 1 && read(from, &c, 1) == 1 && c == 'p', "%s: nothing passes: %s", what, strerror(errno));
}

static int pair[2];

static void child(void *arg)
{
	child_up();
	subject_wait_for("go");
}

int main(int argc, char **argv)
{
	int stream[2], dgram[2], inner[2], p[2], q[2], ev, file, both[2], fds[8];
	char text[20] = "";
	struct stat st;
	pid_t pid;

	subject_begin(argc, argv);
	MUST(socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0);
	pid = child_start(child, NULL); /* has pair */
	MUST(socketpair(AF_UNIX, SOCK_STREAM, 0, stream) == 0 && socketpair(AF_UNIX, SOCK_DGRAM, 0, dgram) == 0);
	MUST(pipe(p) == 0 && pipe(q) == 0 && socketpair(AF_UNIX, SOCK_SEQPACKET, 0, inner) == 0);
	ev = eventfd(42, EFD_NONBLOCK);
	file = open("file", O_RDWR | O_CREAT, 0600);
	MUST(ev >= 0 && write(file, "some text", 9) == 9 && lseek(file, 5, SEEK_SET) == 5 && unlink("file") == 0);
	/* a stream: without, with two, without, the same again with another */
	put(stream[0], "before ", NULL, 0);
	put(stream[0], "two ", (int[]){ file, ev }, 2);
	put(stream[0], "between ", NULL, 0);
	put(stream[0], "one ", (int[]){ file }, 1);
	put(stream[0], "behind", NULL, 0);
	/* a pipe whose other end stays, and one that goes as a whole, with something in it */
	put(dgram[0], "reads", p, 1);
	MUST(write(q[1], "piped", 5) == 5);
	put(dgram[0], "pipe", q, 2);
	close(p[0]);
	close(q[0]);
	close(q[1]);
	/* a socket on its way that has another one in its queue */
	put(inner[0], "inner", (int[]){ ev }, 1);
	put(dgram[0], "nested", inner + 1, 1);
	close(inner[1]);
	/* what the child has too; and one side of itself */
	put(pair[0], "self", pair, 2);
	close(ev);
	close(file);
	subject_wait();

	get("stream", stream[1], "before ", NULL, 0);
	get("stream, two", stream[1], "two ", fds, 2);
	CHECK(read(fds[0], text, 20) == 4 && !strcmp(text, "text"), "file: '%s'", text);
	CHECK(fstat(fds[0], &st) == 0 && st.st_nlink == 0, "file: it is not deleted");
	CHECK(eventfd_write(fds[1], 1) == 0, "eventfd");
	get("stream", stream[1], "between ", NULL, 0);
	get("stream, one", stream[1], "one ", fds + 2, 1);
	CHECK(lseek(fds[2], 0, SEEK_CUR) == 9, "the file is not the same description");
	get("stream", stream[1], "behind", NULL, 0);
	get("dgram", dgram[1], "reads", fds, 1);
	passes("pipe", p[1], fds[0]);
	get("dgram", dgram[1], "pipe", both, 2);
	CHECK(read(both[0], text, 5) == 5 && !memcmp(text, "piped", 5), "pipe: '%s'", text);
	passes("whole pipe", both[1], both[0]);
	get("dgram", dgram[1], "nested", fds, 1);
	get("nested", fds[0], "inner", fds + 3, 1);
	eventfd_t value = 0;
	CHECK(eventfd_read(fds[3], &value) == 0 && value == 43, "eventfd: %d", (int)value);
	passes("nested", inner[0], fds[0]);
	get("self", pair[1], "self", fds, 2);
	passes("self", fds[0], fds[1]);
	passes("self, other", fds[0], pair[1]);
	child_end(pid);
	return subject_end();
}
