/* tests/kinds/inet/pairs.c -- many TCP connections with both ends in one process, every queue full in both directions, buffers of many sizes, some
 * of them set when data was on its way: every byte arrives, once, and segments stay as large as they were. */
/* harness: dump: --tcp-established */
/* harness: restore: --tcp-established */
/* harness: peer: CRIU 4.2 leaves restored connections with segments of 536 bytes */

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>

#include "tests/harness/subject.h"

enum {
	PAIRS = 50,
	ENDS = 2 * PAIRS,
	ROUNDS = 3,		/* of filling all of them */
	SMALL_WRITES = 20000,	/* bytes that some begin with */
	MORE = 200000,		/* bytes written to each end afterwards */
	SEGMENT = 16384,	/* the loopback device has larger ones; a connection that lost its own would have 536 bytes */
};

static struct end {
	int fd;
	size_t sent, came, want; /* bytes; want: what it is to send at all */
	uint32_t mss;
} ends[ENDS];

static unsigned char at(int who, size_t i)
{
	return (unsigned char)(i * 131 + i / 4096 + (size_t)who * 7);
}

static uint32_t mss(int fd)
{
	struct tcp_info info = { 0 };
	socklen_t len = sizeof(info);

	MUST(getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &len) == 0);
	return info.tcpi_snd_mss;
}

static void buffers(int fd, int size)
{
	MUST(setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size)) == 0);
	MUST(setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size)) == 0);
}

static void connect_pair(int n)
{
	struct sockaddr_in6 v6 = { .sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT };
	struct sockaddr_in v4 = { .sin_family = AF_INET, .sin_addr = { htonl(INADDR_LOOPBACK) } };
	struct sockaddr *addr = n % 2 ? (struct sockaddr *)&v6 : (struct sockaddr *)&v4;
	socklen_t len = n % 2 ? sizeof(v6) : sizeof(v4);
	int listener = socket(addr->sa_family, SOCK_STREAM, 0);
	struct end *a = &ends[2 * n], *b = &ends[2 * n + 1];

	MUST(listener >= 0 && bind(listener, addr, len) == 0 && listen(listener, 1) == 0 && getsockname(listener, addr, &len) == 0);
	a->fd = socket(addr->sa_family, SOCK_STREAM, 0);
	MUST(a->fd >= 0);
	if (n % 5 != 2) /* else as large as the kernel likes */
		buffers(a->fd, 8192 << n % 7);
	MUST(connect(a->fd, addr, len) == 0);
	b->fd = accept(listener, NULL, NULL);
	MUST(b->fd >= 0);
	close(listener);
	fcntl(a->fd, F_SETFL, O_NONBLOCK);
	fcntl(b->fd, F_SETFL, O_NONBLOCK);
}

/* Until the socket takes no more, or limit bytes. */
static void fill(int who, size_t limit)
{
	struct end *e = &ends[who];
	unsigned char buf[4096];
	ssize_t n;

	while (e->sent < limit) {
		size_t chunk = who % 3 || e->sent > SMALL_WRITES ? sizeof(buf) : 17;
		size_t len = limit - e->sent < chunk ? limit - e->sent : chunk;

		for (size_t i = 0; i < len; i++)
			buf[i] = at(who, e->sent + i);
		n = write(e->fd, buf, len);
		if (n < 0) {
			CHECK(errno == EAGAIN, "end %d: write: %s", who, strerror(errno));
			return;
		}
		e->sent += (size_t)n;
	}
}

/* What came to the end who, sent by the other one. 0 when there is no more for now. */
static int drain(int who)
{
	static unsigned char buf[65536];
	struct end *e = &ends[who];
	ssize_t n = read(e->fd, buf, sizeof(buf));

	if (n < 0 && errno == EAGAIN)
		return 0;
	if (n <= 0) {
		subject_fail("end %d: read: %s", who, n ? strerror(errno) : "the end");
		return -1;
	}
	for (ssize_t i = 0; i < n; i++)
		if (buf[i] != at(who ^ 1, e->came + (size_t)i)) {
			subject_fail("end %d: byte %zu is not the one that was sent", who, e->came + (size_t)i);
			return -1;
		}
	e->came += (size_t)n;
	return 1;
}

static int all_there(void)
{
	for (int i = 0; i < ENDS; i++)
		if (ends[i].sent < ends[i].want || ends[i].came < ends[i ^ 1].want)
			return 0;
	return 1;
}

/* Read and write whatever can be, until all is there. */
static void exchange(void)
{
	struct pollfd fds[ENDS];

	while (!all_there()) {
		for (int i = 0; i < ENDS; i++)
			fds[i] = (struct pollfd){ .fd = ends[i].fd,
				.events = (short)(POLLIN | (ends[i].sent < ends[i].want ? POLLOUT : 0)) };
		if (poll(fds, ENDS, 20000) <= 0) {
			for (int i = 0; i < ENDS; i++)
				CHECK(ends[i].came == ends[i ^ 1].want, "end %d: %zu of %zu bytes came, and nothing moves", i,
					ends[i].came, ends[i ^ 1].want);
			return;
		}
		for (int i = 0; i < ENDS; i++) {
			if (fds[i].revents & POLLOUT)
				fill(i, ends[i].want);
			if ((fds[i].revents & ~POLLOUT) && drain(i) < 0)
				return;
		}
	}
}

int main(int argc, char **argv)
{
	subject_begin(argc, argv);
	signal(SIGPIPE, SIG_IGN);
	for (int i = 0; i < PAIRS; i++)
		connect_pair(i);
	for (int round = 0; round < ROUNDS; round++)
		for (int i = 0; i < ENDS; i++) {
			fill(i, SIZE_MAX);
			if (i % 10 == 3 && !round)
				buffers(ends[i].fd, i * 10000);
			if (i % 10 == 4) /* a little room again */
				drain(i);
		}
	for (int i = 0; i < ENDS; i++)
		ends[i].mss = mss(ends[i].fd);

	subject_wait();

	for (int i = 0; i < ENDS; i++) {
		uint32_t least = ends[i].mss < SEGMENT ? ends[i].mss : SEGMENT;

		CHECK(mss(ends[i].fd) >= least, "end %d: segments of %u bytes, they were of %u", i, mss(ends[i].fd), ends[i].mss);
		ends[i].want = ends[i].sent + MORE;
	}
	exchange();
	return subject_end();
}
