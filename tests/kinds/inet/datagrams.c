/* tests/kinds/inet/datagrams.c -- datagrams that came and were not read: empty ones, large ones, many; IPv4, IPv6, IPv4 to an IPv6 socket, UDP-Lite; of sockets with
 * and without a peer, of two that share a port, of one that has a device, of one that was shut down. Each comes again, once, in order, from where it
 * came, to the address it was sent to. */
/* harness: peer: CRIU 4.2 loses them */

#include <netinet/in.h>
#include <stdbool.h>
#include <sys/socket.h>

#include "tests/harness/subject.h"

enum { LARGE = 60000, MANY = 100 };

static struct sockaddr_in6 loopback(int family, int last)
{
	struct sockaddr_in6 v6 = { .sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT };
	struct sockaddr_in *v4 = (struct sockaddr_in *)&v6;

	if (family == AF_INET6)
		return v6;
	v6 = (struct sockaddr_in6){ 0 };
	v4->sin_family = AF_INET;
	v4->sin_addr.s_addr = htonl(INADDR_LOOPBACK - 1 + (unsigned)last);
	return v6;
}

static socklen_t size_of(int family)
{
	return family == AF_INET ? sizeof(struct sockaddr_in) : sizeof(struct sockaddr_in6);
}

static struct sockaddr_in6 own(int fd)
{
	struct sockaddr_in6 addr = { 0 };
	socklen_t len = sizeof(addr);

	MUST(getsockname(fd, (struct sockaddr *)&addr, &len) == 0);
	return addr;
}

static int bound(int family, int protocol, struct sockaddr_in6 addr, bool shared)
{
	int fd = socket(family, SOCK_DGRAM, protocol);

	MUST(fd >= 0 && setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &(int){ shared }, sizeof(int)) == 0);
	MUST(bind(fd, (struct sockaddr *)&addr, size_of(family)) == 0);
	return fd;
}

static unsigned char at(int seed, size_t i)
{
	return (unsigned char)(seed * 31 + (int)i * 7);
}

static void send_one(int from, struct sockaddr_in6 to, int seed, size_t len)
{
	unsigned char data[LARGE];

	for (size_t i = 0; i < len; i++)
		data[i] = at(seed, i);
	MUST(sendto(from, data, len, 0, (struct sockaddr *)&to, size_of(to.sin6_family)) == (ssize_t)len);
}

/* The next one: that of seed, from the socket `from`. */
static void expect(int fd, const char *name, int from, int seed, size_t len)
{
	unsigned char data[LARGE + 1];
	struct sockaddr_in6 sender = { 0 }, want = own(from);
	socklen_t size = sizeof(sender);
	ssize_t n = recvfrom(fd, data, sizeof(data), MSG_DONTWAIT, (struct sockaddr *)&sender, &size);

	CHECK(n == (ssize_t)len, "%s: %zd bytes come, not %zu", name, n, len);
	for (ssize_t i = 0; i < n; i++)
		if (data[i] != at(seed, (size_t)i)) {
			CHECK(false, "%s: datagram %d: byte %zd is another one", name, seed, i);
			break;
		}
	CHECK(sender.sin6_port == want.sin6_port, "%s: comes from port %u, not %u", name, ntohs(sender.sin6_port), ntohs(want.sin6_port));
	if (sender.sin6_family == want.sin6_family)
		CHECK(!memcmp(&sender, &want, size_of(want.sin6_family)), "%s: comes from another address", name);
	else
		CHECK(IN6_IS_ADDR_V4MAPPED(&sender.sin6_addr) && sender.sin6_addr.s6_addr32[3] == ((struct sockaddr_in *)&want)->sin_addr.s_addr,
			"%s: comes from another address", name);
}

static void expect_nothing(int fd, const char *name)
{
	char c;

	CHECK(recv(fd, &c, 1, MSG_DONTWAIT) < 0 && errno == EAGAIN, "%s: there is more", name);
}

int main(int argc, char **argv)
{
	struct sockaddr_in6 any4 = { .sin6_family = AF_INET }, any6 = { .sin6_family = AF_INET6 }, to;
	int from, other, from6, lite, to_lite, any, connected, dual, shut, device, twin[2], twins[2] = { 0, 0 }, next[2] = { 0, 0 };

	subject_begin(argc, argv);
	from = bound(AF_INET, 0, loopback(AF_INET, 3), false);
	other = bound(AF_INET, 0, loopback(AF_INET, 4), false);
	from6 = bound(AF_INET6, 0, loopback(AF_INET6, 1), false);
	lite = bound(AF_INET, IPPROTO_UDPLITE, loopback(AF_INET, 1), false);

	any = bound(AF_INET, 0, any4, false); /* without a peer */
	to = loopback(AF_INET, 7);
	to.sin6_port = own(any).sin6_port;
	send_one(from, to, 1, 100);
	send_one(other, to, 2, 0);
	send_one(from, to, 3, LARGE);
	for (int i = 0; i < MANY; i++)
		send_one(i % 3 ? from : other, to, 10 + i, (size_t)i);

	connected = bound(AF_INET, 0, loopback(AF_INET, 1), false);
	send_one(other, own(connected), 4, 11); /* before it had another peer */
	to = own(from);
	MUST(connect(connected, (struct sockaddr *)&to, size_of(AF_INET)) == 0);
	send_one(from, own(connected), 5, 12);

	dual = bound(AF_INET6, 0, any6, false);
	to = loopback(AF_INET, 1);
	to.sin6_port = own(dual).sin6_port;
	send_one(from, to, 6, 13);
	to = loopback(AF_INET6, 1);
	to.sin6_port = own(dual).sin6_port;
	send_one(from6, to, 7, 14);

	to_lite = bound(AF_INET, IPPROTO_UDPLITE, loopback(AF_INET, 1), false);
	send_one(lite, own(to_lite), 8, 15);

	device = bound(AF_INET, 0, any4, false);
	MUST(setsockopt(device, SOL_SOCKET, SO_BINDTODEVICE, "lo", 2) == 0);
	to = loopback(AF_INET, 1);
	to.sin6_port = own(device).sin6_port;
	send_one(from, to, 9, 16);

	shut = bound(AF_INET, 0, loopback(AF_INET, 1), false);
	to = own(from);
	MUST(connect(shut, (struct sockaddr *)&to, size_of(AF_INET)) == 0);
	send_one(from, own(shut), 10, 17);
	shutdown(shut, SHUT_WR);

	twin[0] = bound(AF_INET, 0, loopback(AF_INET, 1), true);
	twin[1] = bound(AF_INET, 0, own(twin[0]), true);
	for (int i = 0; i < 20; i++) { /* each sender's go to one of the two */
		int sender = bound(AF_INET, 0, loopback(AF_INET, 1), false);

		send_one(sender, own(twin[0]), i, 4);
		close(sender);
	}
	for (int k = 0; k < 2; k++) {
		char data[32][8];
		ssize_t n;

		MUST(setsockopt(twin[k], SOL_SOCKET, SO_PEEK_OFF, &(int){ 0 }, sizeof(int)) == 0);
		while ((n = recv(twin[k], data[twins[k]], 8, MSG_DONTWAIT | MSG_PEEK)) == 4)
			twins[k]++;
		MUST(setsockopt(twin[k], SOL_SOCKET, SO_PEEK_OFF, &(int){ -1 }, sizeof(int)) == 0);
	}
	MUST(twins[0] + twins[1] == 20);

	subject_wait();

	expect(any, "any", from, 1, 100);
	expect(any, "any", other, 2, 0);
	expect(any, "any", from, 3, LARGE);
	for (int i = 0; i < MANY; i++)
		expect(any, "any", i % 3 ? from : other, 10 + i, (size_t)i);
	expect_nothing(any, "any");
	expect(connected, "connected", other, 4, 11);
	expect(connected, "connected", from, 5, 12);
	expect_nothing(connected, "connected");
	expect(dual, "dual", from, 6, 13);
	expect(dual, "dual", from6, 7, 14);
	expect_nothing(dual, "dual");
	expect(to_lite, "lite", lite, 8, 15);
	expect(device, "device", from, 9, 16);
	expect_nothing(device, "device");
	expect(shut, "shut", from, 10, 17);
	for (int k = 0; k < 2; k++) {
		char data[8];

		while (recv(twin[k], data, 8, MSG_DONTWAIT) == 4)
			next[k]++;
		CHECK(next[k] == twins[k], "of two that share a port, number %d has %d datagrams, not %d", k, next[k], twins[k]);
	}
	return subject_end();
}
