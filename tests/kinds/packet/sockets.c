/* tests/kinds/packet/sockets.c -- packet sockets: bound to a device, with a ring, memberships, a fan-out group; they see packets again. */

#include <arpa/inet.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/random.h>
#include <sys/socket.h>

#include "tests/harness/subject.h"

static void check(int fd, int name, int want)
{
	int value = -1;
	socklen_t len = sizeof(value);

	CHECK(getsockopt(fd, SOL_PACKET, name, &value, &len) == 0 && value == want, "option %d is %d, not %d", name, value, want);
}

static void set(int fd, int name, int value)
{
	MUST(setsockopt(fd, SOL_PACKET, name, &value, sizeof(value)) == 0);
}

int main(int argc, char **argv)
{
	struct sockaddr_ll lo = { .sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_IP), .sll_ifindex = 1 };
	struct packet_mreq promisc = { .mr_ifindex = 1, .mr_type = PACKET_MR_PROMISC };
	struct tpacket_req ring = { 4096, 1, 1024, 4 };
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_addr = { htonl(INADDR_LOOPBACK) }, .sin_port = htons(9) };
	struct sockaddr_ll now = { 0 };
	socklen_t len = sizeof(now);
	int raw, ringed, udp;
	uint16_t group;

	subject_begin(argc, argv);
	raw = socket(AF_PACKET, SOCK_DGRAM, htons(ETH_P_IP));
	MUST(raw >= 0 && bind(raw, (struct sockaddr *)&lo, sizeof(lo)) == 0);
	MUST(setsockopt(raw, SOL_PACKET, PACKET_ADD_MEMBERSHIP, &promisc, sizeof(promisc)) == 0);
	set(raw, PACKET_AUXDATA, 1);
	/* Others of its kind may live in the same network namespace: a group of its own. */
	MUST(getrandom(&group, sizeof(group), 0) == sizeof(group));
	set(raw, PACKET_FANOUT, group | PACKET_FANOUT_HASH << 16);
	ringed = socket(AF_PACKET, SOCK_RAW, 0);
	MUST(ringed >= 0);
	set(ringed, PACKET_VERSION, TPACKET_V2);
	set(ringed, PACKET_RESERVE, 16);
	MUST(setsockopt(ringed, SOL_PACKET, PACKET_RX_RING, &ring, sizeof(ring)) == 0);

	subject_wait();

	CHECK(getsockname(raw, (struct sockaddr *)&now, &len) == 0 && now.sll_ifindex == 1 && now.sll_protocol == htons(ETH_P_IP),
		"it is bound to device %d, protocol %#x", now.sll_ifindex, ntohs(now.sll_protocol));
	check(raw, PACKET_AUXDATA, 1);
	check(raw, PACKET_FANOUT, group | PACKET_FANOUT_HASH << 16);
	check(ringed, PACKET_VERSION, TPACKET_V2);
	check(ringed, PACKET_RESERVE, 16);
	udp = socket(AF_INET, SOCK_DGRAM, 0);
	MUST(udp >= 0 && sendto(udp, "x", 1, 0, (struct sockaddr *)&to, sizeof(to)) == 1);
	CHECK(poll(&(struct pollfd){ .fd = raw, .events = POLLIN }, 1, 5000) == 1, "it sees nothing");
	return subject_end();
}
