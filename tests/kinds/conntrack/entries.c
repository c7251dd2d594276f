/* tests/kinds/conntrack/entries.c -- connections that are kept track of, since a rule asks for it: one that is over, one that was never
 * answered, one whose addresses are translated.
 *
 * harness: places: host
 * harness: peer: it enters what is translated as if it were not
 */

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "tests/harness/netns.h"

static const char setup[] =
	"set -e\n"
	"ip link set lo up\n"
	"nft add table ip zoo\n"
	"nft 'add chain ip zoo in { type filter hook input priority 0 ; }'\n"
	"nft add rule ip zoo in ct state new,established counter accept\n"
	"nft 'add chain ip zoo out { type nat hook output priority -100; }'\n"
	"nft add rule ip zoo out udp dport 5555 dnat to 127.0.0.1:6666\n";

static int udp(int port)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int sk = socket(AF_INET, SOCK_DGRAM, 0);

	MUST(sk >= 0 && bind(sk, (struct sockaddr *)&a, sizeof(a)) == 0);
	return sk;
}

static void say(int sk, int port, int to)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	char got[8];

	CHECK(sendto(sk, "x", 1, 0, (struct sockaddr *)&a, sizeof(a)) == 1, "send to %d", port);
	CHECK(recv(to, got, sizeof(got), MSG_DONTWAIT) == 1, "nothing has come from port %d", port);
}

int main(int argc, char **argv)
{
	static const char show[] = "cut -d' ' -f1-9,14- /proc/net/nf_conntrack | sed 's/  *[0-9]* src/ src/; s/use=.*//; s/zone=.*//'";
	char *before, *after;
	int a, b;

	netns_begin(argc, argv, setup);
	a = udp(7777);
	b = udp(6666);
	say(a, 5555, b);
	before = netns_shows(show);
	CHECK(strstr(before, "sport=6666"), "nothing is translated: %s", before);

	subject_wait();

	after = netns_shows(show);
	CHECK(!strcmp(before, after), "was: %s is: %s", before, after);
	/* The rule has been there for a new connection only. */
	CHECK(netns_try("nft flush chain ip zoo out"), "nft");
	say(a, 5555, b);
	return subject_end();
}
