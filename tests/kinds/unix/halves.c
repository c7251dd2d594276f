/* tests/kinds/unix/halves.c -- pairs of which one side is gone, or shut; sockets that nothing was done with. */
/* harness: peer: it restores a SOCK_DGRAM socket whose peer is gone without one */

#include <poll.h>
#include <signal.h>
#include <sys/socket.h>

#include "tests/harness/subject.h"

int main(int argc, char **argv)
{
	char buf[20] = "";
	int gone[2], shut[2], shut_read[2], dgram[2], fresh;
	struct pollfd p;

	subject_begin(argc, argv);
	signal(SIGPIPE, SIG_IGN);
	MUST(socketpair(AF_UNIX, SOCK_STREAM, 0, gone) == 0 && send(gone[1], "last words", 10, 0) == 10 && close(gone[1]) == 0);
	MUST(socketpair(AF_UNIX, SOCK_STREAM, 0, shut) == 0 && send(shut[0], "said", 4, 0) == 4 && shutdown(shut[0], SHUT_WR) == 0);
	MUST(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, shut_read) == 0 && shutdown(shut_read[0], SHUT_RD) == 0);
	MUST(socketpair(AF_UNIX, SOCK_DGRAM, 0, dgram) == 0 && send(dgram[1], "left", 4, 0) == 4 && close(dgram[1]) == 0);
	fresh = socket(AF_UNIX, SOCK_STREAM, 0);
	MUST(fresh >= 0);
	subject_wait();

	p = (struct pollfd){ gone[0], POLLIN | POLLOUT | POLLRDHUP, 0 };
	CHECK(poll(&p, 1, 0) == 1 && p.revents & POLLHUP && p.revents & POLLRDHUP, "the lonely one: %#x", p.revents);
	CHECK(recv(gone[0], buf, 20, 0) == 10 && !memcmp(buf, "last words", 10), "last words: '%s'", buf);
	CHECK(recv(gone[0], buf, 20, 0) == 0, "no end");
	CHECK(send(gone[0], "x", 1, 0) < 0 && errno == EPIPE, "somebody hears it");
	CHECK(recv(shut[1], buf, 20, 0) == 4 && recv(shut[1], buf, 20, 0) == 0, "the end after shutdown");
	CHECK(send(shut[0], "x", 1, 0) < 0 && errno == EPIPE, "what is shut can be written");
	CHECK(send(shut[1], "back", 4, 0) == 4 && recv(shut[0], buf, 20, 0) == 4, "the other direction is shut too");
	CHECK(recv(shut_read[0], buf, 20, MSG_DONTWAIT) == 0, "what is shut can be read");
	CHECK(send(shut_read[1], "x", 1, MSG_DONTWAIT) < 0 && errno == EPIPE, "its peer can write");
	CHECK(recv(dgram[0], buf, 20, MSG_DONTWAIT) == 4 && !memcmp(buf, "left", 4), "a message of one who is gone");
	CHECK(send(dgram[0], "x", 1, 0) < 0 && errno == ECONNREFUSED, "a message to one who is gone: %s", strerror(errno));
	CHECK(send(fresh, "x", 1, 0) < 0 && errno == ENOTCONN, "a fresh one is connected: %s", strerror(errno));
	return subject_end();
}
