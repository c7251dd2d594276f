/* tests/kinds/inet/closing.c -- TCP connections on their way to the end: each side has said that it is done, or not, with data left to be read;
 * those that are over. */
/* harness: dump: --tcp-established */
/* harness: restore: --tcp-established */
/* harness: to-peer: CRIU 4.2 binds what is closed to its port, which others have */
/* harness: compare: no: the addresses of a connection that is over are not kept */

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>

#include "tests/harness/subject.h"

struct pair {
	int a, b;
};

static struct pair connected(void)
{
	struct sockaddr_in addr = { .sin_family = AF_INET, .sin_addr = { htonl(INADDR_LOOPBACK) } };
	socklen_t len = sizeof(addr);
	int listener = socket(AF_INET, SOCK_STREAM, 0);
	struct pair p = { .a = socket(AF_INET, SOCK_STREAM, 0) };

	MUST(listener >= 0 && bind(listener, (struct sockaddr *)&addr, len) == 0 && listen(listener, 1) == 0);
	MUST(getsockname(listener, (struct sockaddr *)&addr, &len) == 0);
	MUST(p.a >= 0 && connect(p.a, (struct sockaddr *)&addr, len) == 0);
	p.b = accept(listener, NULL, NULL);
	MUST(p.b >= 0);
	close(listener);
	return p;
}

static int state(int fd)
{
	struct tcp_info info = { 0 };
	socklen_t len = sizeof(info);

	MUST(getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &len) == 0);
	return info.tcpi_state;
}

static void wait_for(int fd, int want)
{
	for (int i = 0; i < 500 && state(fd) != want; i++)
		poll(NULL, 0, 10);
	MUST(state(fd) == want);
}

/* Exactly these bytes, then the end. */
static void check_read(int fd, const char *text)
{
	char buf[64] = "";
	ssize_t n = recv(fd, buf, sizeof(buf) - 1, MSG_WAITALL);

	CHECK(n == (ssize_t)strlen(text) && !strcmp(buf, text), "'%s' is read (%zd), not '%s'", buf, n, text);
	CHECK(recv(fd, buf, 1, 0) == 0, "there is more than '%s'", text);
}

int main(int argc, char **argv)
{
	struct pair half, ended, reset;

	subject_begin(argc, argv);
	signal(SIGPIPE, SIG_IGN);

	half = connected(); /* a is done, b is not and has not read */
	MUST(write(half.a, "last words", 10) == 10 && shutdown(half.a, SHUT_WR) == 0);
	MUST(write(half.b, "go on", 5) == 5);
	wait_for(half.a, TCP_FIN_WAIT2);
	wait_for(half.b, TCP_CLOSE_WAIT);

	ended = connected(); /* both are done; what a has said was not read */
	MUST(write(ended.a, "unread", 6) == 6 && shutdown(ended.a, SHUT_WR) == 0);
	wait_for(ended.b, TCP_CLOSE_WAIT);
	MUST(shutdown(ended.b, SHUT_WR) == 0);
	wait_for(ended.b, TCP_CLOSE);

	reset = connected(); /* b is not there any more */
	MUST(write(reset.b, "before", 6) == 6 && write(reset.a, "unread", 6) == 6);
	poll(&(struct pollfd){ .fd = reset.a, .events = POLLIN }, 1, 5000);
	MUST(setsockopt(reset.b, SOL_SOCKET, SO_LINGER, &(struct linger){ 1, 0 }, sizeof(struct linger)) == 0);
	close(reset.b);
	wait_for(reset.a, TCP_CLOSE);

	subject_wait();

	CHECK(state(half.a) == TCP_FIN_WAIT2, "a of the half is in state %d", state(half.a));
	CHECK(state(half.b) == TCP_CLOSE_WAIT, "b of the half is in state %d", state(half.b));
	check_read(half.b, "last words");
	CHECK(write(half.b, ", please", 8) == 8, "b of the half cannot write: %s", strerror(errno));
	shutdown(half.b, SHUT_WR);
	check_read(half.a, "go on, please");

	CHECK(state(ended.b) == TCP_CLOSE, "what ended is in state %d", state(ended.b));
	check_read(ended.b, "unread");
	CHECK(write(ended.b, "x", 1) < 0 && errno == EPIPE, "what ended can be written: %s", strerror(errno));

	CHECK(state(reset.a) == TCP_CLOSE, "what was reset is in state %d", state(reset.a));
	CHECK(write(reset.a, "x", 1) < 0, "what was reset can be written");
	return subject_end();
}
