/* tests/kinds/netaddr/lo.c -- a network namespace of its own: an address of the loopback device beside its usual one, a route, and a
 * rule.
 *
 * harness: places: host
 */

#include <sched.h>

#include "tests/harness/subject.h"

static int sh(const char *command)
{
	return system(command);
}

int main(int argc, char **argv)
{
	if (access("/sbin/ip", X_OK) < 0 && access("/usr/sbin/ip", X_OK) < 0 && access("/bin/ip", X_OK) < 0) {
		subject_begin(argc, argv);
		subject_skip("no ip(8)");
	}
	MUST(unshare(CLONE_NEWNET) == 0);
	MUST(sh("ip link set lo up && ip addr add 10.7.7.7/24 dev lo && ip route add 10.8.0.0/16 via 10.7.7.7 dev lo && "
		"ip rule add from 10.7.7.0/24 lookup 77 prio 777 && ip route add 10.9.0.0/16 dev lo table 77") == 0);
	subject_begin(argc, argv);

	subject_wait();

	CHECK(sh("ip addr show dev lo | grep -q 10.7.7.7/24") == 0, "the address is lost");
	CHECK(sh("ip route | grep -q 10.8.0.0/16") == 0, "the route is lost");
	CHECK(sh("ip rule | grep -q 10.7.7.0/24") == 0, "the rule is lost");
	CHECK(sh("ip route show table 77 | grep -q 10.9.0.0/16") == 0, "the route of another table is lost");
	return subject_end();
}
