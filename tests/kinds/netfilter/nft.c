/* tests/kinds/netfilter/nft.c -- a network namespace of its own: a rule of nftables.
 *
 * harness: places: host
 */

#include <sched.h>

#include "tests/harness/subject.h"

int main(int argc, char **argv)
{
	MUST(unshare(CLONE_NEWNET) == 0);
	if (system("nft add table inet zoo >/dev/null 2>&1") != 0) {
		subject_begin(argc, argv);
		subject_skip("no nft(8), or not in this kernel");
	}
	MUST(system("nft 'add chain inet zoo in { type filter hook input priority 0 ; }' && "
		    "nft add rule inet zoo in tcp dport 2222 counter accept") == 0);
	subject_begin(argc, argv);

	subject_wait();

	CHECK(system("nft list ruleset | grep -q 'tcp dport 2222'") == 0, "the rule is lost");
	return subject_end();
}
