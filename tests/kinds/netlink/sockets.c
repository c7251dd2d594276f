/* tests/kinds/netlink/sockets.c -- netlink sockets: with a port, with groups, connected, as made; they still work. */
/* harness: peer: CRIU 4.2 loses the options of netlink sockets */

#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <sys/random.h>
#include <sys/socket.h>

#include "tests/harness/subject.h"

static unsigned port_of(int fd)
{
	struct sockaddr_nl addr = { 0 };
	socklen_t len = sizeof(addr);

	MUST(getsockname(fd, (struct sockaddr *)&addr, &len) == 0);
	return addr.nl_pid;
}

static int groups_of(int fd, unsigned *words, socklen_t size)
{
	memset(words, 0, size);
	return getsockopt(fd, SOL_NETLINK, NETLINK_LIST_MEMBERSHIPS, words, &size);
}

/* Ask for the loopback device. */
static void check_ask(int fd)
{
	struct {
		struct nlmsghdr head;
		struct ifinfomsg info;
	} ask = {
		{ sizeof(ask), RTM_GETLINK, NLM_F_REQUEST, 7, 0 },
		{ .ifi_index = 1 },
	};
	char answer[8192];
	const struct nlmsghdr *head = (const struct nlmsghdr *)answer;

	CHECK(send(fd, &ask, sizeof(ask), 0) == sizeof(ask), "send: %s", strerror(errno));
	CHECK(recv(fd, answer, sizeof(answer), 0) > 0 && head->nlmsg_seq == 7, "no answer");
}

int main(int argc, char **argv)
{
	struct sockaddr_nl own = { .nl_family = AF_NETLINK, .nl_groups = RTMGRP_LINK };
	struct sockaddr_nl next = { .nl_family = AF_NETLINK };
	struct sockaddr_nl kernel = { .nl_family = AF_NETLINK };
	unsigned before[4], after[4];
	int bound, connected, fresh, on = 1, far_group = RTNLGRP_NEXTHOP, value = 0;
	unsigned port;
	socklen_t len = sizeof(value);

	subject_begin(argc, argv);
	/* Others of its kind may live in the same network namespace. */
	MUST(getrandom(&own.nl_pid, sizeof(own.nl_pid), 0) == sizeof(own.nl_pid));
	own.nl_pid |= 1u << 30;
	next.nl_pid = own.nl_pid ^ 1;
	bound = socket(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE);
	MUST(bound >= 0 && bind(bound, (struct sockaddr *)&own, sizeof(own)) == 0);
	MUST(setsockopt(bound, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, &far_group, sizeof(far_group)) == 0);
	MUST(setsockopt(bound, SOL_NETLINK, NETLINK_EXT_ACK, &on, sizeof(on)) == 0);
	MUST(groups_of(bound, before, sizeof(before)) == 0);
	connected = socket(AF_NETLINK, SOCK_DGRAM | SOCK_NONBLOCK, NETLINK_ROUTE);
	MUST(connected >= 0 && bind(connected, (struct sockaddr *)&next, sizeof(next)) == 0);
	MUST(connect(connected, (struct sockaddr *)&kernel, sizeof(kernel)) == 0);
	port = port_of(connected);
	fresh = socket(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE);
	MUST(fresh >= 0);

	subject_wait();

	CHECK(port_of(bound) == own.nl_pid, "its port is %u", port_of(bound));
	CHECK(groups_of(bound, after, sizeof(after)) == 0 && !memcmp(before, after, sizeof(before)), "it has other groups");
	CHECK(getsockopt(bound, SOL_NETLINK, NETLINK_EXT_ACK, &value, &len) == 0 && value == 1, "an option is lost");
	CHECK(port_of(connected) == port, "the connected one has port %u", port_of(connected));
	CHECK(port_of(fresh) == 0, "the one that was not bound has port %u", port_of(fresh));
	len = sizeof(value);
	CHECK(getsockopt(connected, SOL_SOCKET, SO_TYPE, &value, &len) == 0 && value == SOCK_DGRAM, "its type is %d", value);
	check_ask(bound);
	check_ask(connected);
	check_ask(fresh);
	return subject_end();
}
