/* tests/kinds/inet/connection.c -- TCP connections of a parent and its child, IPv4 and IPv6: data on its way in both directions, more than the
 * peer takes at once, options that were set; both go on talking. */
/* harness: dump: --tcp-established */
/* harness: restore: --tcp-established */
/* harness: peer: CRIU 4.2 loses TCP_USER_TIMEOUT */

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "tests/harness/subject.h"

#define LOTS (3 << 20)
#define WORD "did it arrive?"

static unsigned char at(size_t i)
{
	return (unsigned char)(i * 131 + i / 4096);
}

static int read_lots(int fd, size_t from, size_t to)
{
	unsigned char buf[4096];

	while (from < to) {
		ssize_t n = read(fd, buf, to - from < sizeof(buf) ? to - from : sizeof(buf));

		if (n <= 0)
			return -1;
		for (ssize_t i = 0; i < n; i++, from++)
			if (buf[i] != at(from))
				return -1;
	}
	return 0;
}

/* The client: reads nothing until a word comes, then all, and says so. */
static int client(int fd)
{
	char word[sizeof(WORD)];

	if (read_lots(fd, 0, 1) < 0)
		return 1;
	if (write(fd, WORD, sizeof(word)) != sizeof(word))
		return 2;
	raise(SIGSTOP);
	return read_lots(fd, 1, LOTS) < 0 ? 3 : write(fd, "all", 3) == 3 ? 0 : 4;
}

struct end {
	pid_t pid;
	int fd;
	size_t sent;
};

static socklen_t loopback(int family, struct sockaddr_storage *addr)
{
	struct sockaddr_in *v4 = (struct sockaddr_in *)addr;
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)addr;

	memset(addr, 0, sizeof(*addr));
	addr->ss_family = (sa_family_t)family;
	if (family == AF_INET)
		v4->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	else
		v6->sin6_addr = in6addr_loopback;
	return family == AF_INET ? sizeof(*v4) : sizeof(*v6);
}

static ssize_t write_some(struct end *e)
{
	unsigned char buf[4096];
	ssize_t n;

	for (size_t i = 0; i < sizeof(buf); i++)
		buf[i] = at(e->sent + i);
	n = write(e->fd, buf, e->sent + sizeof(buf) > LOTS ? LOTS - e->sent : sizeof(buf));
	e->sent += n > 0 ? (size_t)n : 0;
	return n;
}

static struct end start(int family)
{
	int listener = socket(family, SOCK_STREAM, 0), fd, yes = 1, secs = 77;
	struct sockaddr_storage addr;
	socklen_t len = loopback(family, &addr);
	struct end e = { 0 };

	MUST(listener >= 0 && bind(listener, (struct sockaddr *)&addr, len) == 0 && listen(listener, 1) == 0);
	MUST(getsockname(listener, (struct sockaddr *)&addr, &len) == 0);
	e.pid = fork();
	MUST(e.pid >= 0);
	if (!e.pid) {
		close(listener);
		fd = socket(family, SOCK_STREAM, 0);
		_exit(connect(fd, (struct sockaddr *)&addr, len) < 0 ? 9 : client(fd));
	}
	e.fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK);
	MUST(e.fd >= 0);
	close(listener);
	MUST(setsockopt(e.fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof(yes)) == 0);
	MUST(setsockopt(e.fd, IPPROTO_TCP, TCP_KEEPIDLE, &secs, sizeof(secs)) == 0);
	MUST(setsockopt(e.fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &(int){ 123456 }, sizeof(int)) == 0);
	while (write_some(&e) > 0)
		;
	MUST(waitpid(e.pid, NULL, WUNTRACED) == e.pid); /* it has said its word, and reads no more */
	return e;
}

static void check_option(int fd, int opt, int want)
{
	int value = 0;
	socklen_t len = sizeof(value);

	CHECK(getsockopt(fd, IPPROTO_TCP, opt, &value, &len) == 0 && value == want, "option %d is %d, not %d", opt, value, want);
}

static void finish(const struct end *e)
{
	char word[sizeof(WORD)] = "", all[4] = "";
	struct end rest = *e;
	int status = -1;

	check_option(e->fd, TCP_NODELAY, 1);
	check_option(e->fd, TCP_KEEPIDLE, 77);
	check_option(e->fd, TCP_USER_TIMEOUT, 123456);
	CHECK(fcntl(e->fd, F_GETFL) & O_NONBLOCK, "it blocks");
	fcntl(e->fd, F_SETFL, 0);
	kill(e->pid, SIGCONT);
	CHECK(recv(e->fd, word, sizeof(word), MSG_WAITALL) == sizeof(word) && !strcmp(word, WORD), "the word is '%s'", word);
	while (rest.sent < LOTS && write_some(&rest) > 0)
		;
	CHECK(rest.sent == LOTS, "write: %s", strerror(errno));
	CHECK(recv(e->fd, all, 3, MSG_WAITALL) == 3 && !strcmp(all, "all"), "the client says '%s'", all);
	CHECK(waitpid(e->pid, &status, 0) == e->pid && status == 0, "the client ended with %#x", status);
}

int main(int argc, char **argv)
{
	struct end v4, v6;

	subject_begin(argc, argv);
	signal(SIGPIPE, SIG_IGN);
	v4 = start(AF_INET);
	v6 = start(AF_INET6);

	subject_wait();

	finish(&v4);
	finish(&v6);
	return subject_end();
}
