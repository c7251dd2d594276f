/* tests/kinds/netaddr/entries.c -- addresses, routes by way of others, rules, neighbours and entries of a bridge that somebody has made.
 *
 * harness: places: host
 * harness: peer: it saves no neighbours
 */

#include "tests/harness/netns.h"

static const char setup[] =
	"set -e\n"
	"ip link set lo up\n"
	"ip link add br0 type bridge\n"
	"ip link add v0 type veth peer name v1\n"
	"ip link set v0 master br0\n"
	"for d in br0 v0 v1; do echo 0 > /proc/sys/net/ipv6/conf/$d/accept_dad; ip link set $d up; done\n"
	"ip addr add 10.9.0.1/24 dev v1\n"
	"ip addr add 10.9.0.2/24 dev v1 label v1:second\n"
	"ip -6 addr add fd00::1/64 dev v1\n"
	"ip route add 10.77.0.0/16 via 10.9.0.7 dev v1 metric 50\n"
	"ip route add 10.78.0.0/16 via 10.77.1.1 dev v1 onlink table 77\n"
	"ip -6 route add fd01::/64 via fd00::2\n"
	"ip rule add from 10.9.0.2 table 77\n"
	"ip neigh add 10.9.0.5 lladdr 02:11:22:33:44:55 dev v1 nud permanent\n"
	"ip neigh add proxy 10.9.0.6 dev v1\n"
	"bridge fdb add 02:aa:bb:cc:dd:ee dev v0 master static\n"
	/* until the kernel is done with what it does by itself */
	"sleep 1\n";

static const char show[] = "ip addr | grep inet\n"
			   "ip route show table all\n"
			   "ip -6 route show table all\n"
			   "ip rule\n"
			   "ip neigh show nud permanent\n"
			   "ip neigh show proxy\n"
			   "bridge fdb | grep static\n";

int main(int argc, char **argv)
{
	return netns_subject(argc, argv, setup, show);
}
