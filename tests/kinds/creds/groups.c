/* tests/kinds/creds/groups.c -- as many groups as a task can have: their line in /proc/PID/status has half a megabyte.
 *
 * harness: peer: reads a line of /proc of up to 4096 bytes
 */

#include <grp.h>

#include "tests/harness/subject.h"

enum { GROUPS = 65536 }; /* NGROUPS_MAX */

static gid_t group(int i)
{
	return 1000000 + 3 * i;
}

int main(int argc, char **argv)
{
	static gid_t groups[GROUPS];
	int n;

	subject_begin(argc, argv);
	for (int i = 0; i < GROUPS; i++)
		groups[i] = group(i);
	MUST(setgroups(GROUPS, groups) == 0);

	subject_wait();

	memset(groups, 0, sizeof(groups));
	n = getgroups(GROUPS, groups);
	CHECK(n == GROUPS, "%d groups", n);
	for (int i = 0; i < n; i++)
		CHECK(groups[i] == group(i), "group %d is %d", i, groups[i]);
	return subject_end();
}
