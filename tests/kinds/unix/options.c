/* tests/kinds/unix/options.c -- options of sockets: sizes, timeouts, switches; a queue that is longer than the size allows now. */
/* harness: peer: it does not dump what waits in a socket with SO_PASSCRED */

#include <sys/socket.h>
#include <sys/time.h>

#include "tests/harness/subject.h"

static int get(int fd, int opt)
{
	int value = -1;
	socklen_t len = sizeof(value);

	return getsockopt(fd, SOL_SOCKET, opt, &value, &len) < 0 ? -1 : value;
}

static void set(int fd, int opt, int value)
{
	MUST(setsockopt(fd, SOL_SOCKET, opt, &value, sizeof(value)) == 0);
}

int main(int argc, char **argv)
{
	static const int opts[] = { SO_SNDBUF, SO_RCVBUF, SO_PASSCRED, SO_PRIORITY, SO_RCVLOWAT, SO_OOBINLINE, 72 /* SO_BUF_LOCK */ };
	static char text[150000], back[150000];
	struct timeval tv = { 3, 252000 }, got;
	socklen_t len = sizeof(got);
	int p[2], was[2][7];
	ssize_t n, done = 0;

	subject_begin(argc, argv);
	for (size_t i = 0; i < sizeof(text); i++)
		text[i] = (char)(i * 3 + i / 700);
	MUST(socketpair(AF_UNIX, SOCK_STREAM, 0, p) == 0);
	set(p[0], SO_SNDBUF, 200000);
	MUST(send(p[0], text, sizeof(text), MSG_DONTWAIT) == sizeof(text));
	set(p[0], SO_SNDBUF, 5000);
	set(p[1], SO_PASSCRED, 1);
	set(p[1], SO_PRIORITY, 3);
	set(p[1], SO_RCVLOWAT, 7);
	MUST(setsockopt(p[1], SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv)) == 0);
	for (int i = 0; i < 2; i++)
		for (int k = 0; k < 7; k++)
			was[i][k] = get(p[i], opts[k]);
	subject_wait();

	for (int i = 0; i < 2; i++)
		for (int k = 0; k < 7; k++)
			CHECK(get(p[i], opts[k]) == was[i][k], "option %d is %d, and was %d", opts[k], get(p[i], opts[k]), was[i][k]);
	CHECK(getsockopt(p[1], SOL_SOCKET, SO_RCVTIMEO, &got, &len) == 0 && got.tv_sec == 3 && got.tv_usec == 252000,
		"timeout %ld.%06ld", (long)got.tv_sec, (long)got.tv_usec);
	CHECK(send(p[0], "x", 1, MSG_DONTWAIT) < 0 && errno == EAGAIN, "it can be written: more than before fits in");
	set(p[1], SO_RCVLOWAT, 1);
	while (done < (ssize_t)sizeof(back) && (n = recv(p[1], back + done, sizeof(back) - (size_t)done, MSG_DONTWAIT)) > 0)
		done += n;
	CHECK(done == sizeof(text) && !memcmp(text, back, sizeof(text)), "other content (%zd bytes)", done);
	return subject_end();
}
