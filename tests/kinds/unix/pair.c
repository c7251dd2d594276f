/* tests/kinds/unix/pair.c -- socketpair(2) of all types, with something in both directions, empty messages too. */

#include <sys/socket.h>

#include "tests/harness/subject.h"

static void put(int fd, const char *text)
{
	MUST(send(fd, text, strlen(text), 0) == (ssize_t)strlen(text));
}

static void get(const char *what, int fd, const char *want)
{
	char buf[100];
	ssize_t got = recv(fd, buf, sizeof(buf), MSG_DONTWAIT);

	CHECK(got == (ssize_t)strlen(want) && !memcmp(buf, want, (size_t)got), "%s: %zd bytes '%.*s', not '%s'", what, got,
		got > 0 ? (int)got : 0, buf, want);
}

static void empty(const char *what, int fd)
{
	char c;

	CHECK(recv(fd, &c, 1, MSG_DONTWAIT) < 0 && errno == EAGAIN, "%s: more than there was", what);
}

int main(int argc, char **argv)
{
	int stream[2], dgram[2], seq[2], sig[2];

	subject_begin(argc, argv);
	MUST(socketpair(AF_UNIX, SOCK_STREAM, 0, stream) == 0);
	put(stream[0], "one ");
	put(stream[0], "and two");
	put(stream[1], "back");
	MUST(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0, dgram) == 0);
	put(dgram[0], "first");
	put(dgram[0], "second message");
	put(dgram[1], "back");
	MUST(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, seq) == 0);
	put(seq[1], "a packet");
	put(seq[1], "another");
	MUST(socketpair(AF_UNIX, SOCK_STREAM, 0, sig) == 0);
	subject_wait();

	put(stream[0], ", three");
	get("stream", stream[1], "one and two, three");
	get("stream", stream[0], "back");
	empty("stream", stream[0]);
	get("dgram", dgram[1], "first");
	get("dgram", dgram[1], "second message");
	empty("dgram", dgram[1]);
	get("dgram", dgram[0], "back");
	put(dgram[1], "new");
	get("dgram", dgram[0], "new");
	get("seqpacket", seq[0], "a packet");
	get("seqpacket", seq[0], "another");
	empty("seqpacket", seq[0]);
	empty("seqpacket", seq[1]);
	put(sig[1], "x");
	get("idle", sig[0], "x");
	CHECK(fcntl(dgram[0], F_GETFL) & O_NONBLOCK && !(fcntl(stream[0], F_GETFL) & O_NONBLOCK), "O_NONBLOCK");
	CHECK(fcntl(seq[0], F_GETFD) == FD_CLOEXEC && fcntl(dgram[0], F_GETFD) == 0, "FD_CLOEXEC");
	close(stream[0]);
	CHECK(recv(stream[1], sig, 1, 0) == 0, "no end of the stream");
	return subject_end();
}
