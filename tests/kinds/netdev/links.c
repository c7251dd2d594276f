/* tests/kinds/netdev/links.c -- devices of many kinds: a bridge with options and a port, a pair, what stands on one of them, and what all can
 * have: a name more, an alias, a group, queues, settings.
 *
 * harness: places: host
 * harness: peer: it makes bridges with the options of a new one, and knows neither vxlan, ifb nor macvtap
 * harness: timeout: 60
 */

#include "tests/harness/netns.h"

static const char setup[] =
	"set -e\n"
	"ip link set lo up\n"
	"ip link add br0 type bridge forward_delay 400 ageing_time 12300 mcast_snooping 0 priority 77\n"
	"ip link add v0 type veth peer name v1 numtxqueues 3\n"
	"ip link set v0 master br0\n"
	"bridge link set dev v0 hairpin on cost 77\n"
	"ip link set v0 up\n"
	"ip link set br0 address 02:00:00:00:00:99 up\n"
	"ip link set v1 mtu 1400 up alias 'the one' txqueuelen 333 group 5\n"
	"ip link property add dev v1 altname another-name-that-is-long\n"
	"ip link add index 77 name mv0 link v1 type macvlan mode private\n"
	"ip link add mt0 link v1 type macvtap mode bridge\n"
	"ip link add ifb0 type ifb\n"
	"ip link add vx0 type vxlan id 42 dstport 4789 remote 10.9.0.9 ttl 5\n"
	"ip tuntap add tap7 mode tap user 1000 multi_queue\n"
	"echo 7 > /proc/sys/net/ipv4/neigh/v1/ucast_solicit\n"
	"echo 1 > /proc/sys/net/ipv6/conf/mv0/addr_gen_mode\n"
	"echo 1 > /proc/sys/net/ipv4/conf/v1/proxy_arp\n"
	"echo fe80::1:2:3:4 > /proc/sys/net/ipv6/conf/v1/stable_secret\n"
	"echo 20000 30000 > /proc/sys/net/ipv4/ip_local_port_range\n";

static const char show[] =
	"ip -d link | sed 's/[a-z_]*timer *[0-9.]*//g'\n"
	"cd /proc/sys/net; grep . ipv4/neigh/v1/ucast_solicit ipv6/conf/mv0/addr_gen_mode ipv4/conf/v1/proxy_arp "
	"ipv6/conf/v1/stable_secret ipv4/ip_local_port_range";

int main(int argc, char **argv)
{
	return netns_subject(argc, argv, setup, show);
}
