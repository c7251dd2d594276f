/* tests/kinds/cgroup/namespace.c -- a cgroup namespace whose root is above the group that the task is in.
 *
 * harness: places: host
 */

#include <sched.h>
#include <time.h>

#include "tests/kinds/cgroup/groups.h"

int main(int argc, char **argv)
{
	char outer[128], inner[160], buf[256], home[256];
	struct timespec now;
	int root, fd;

	subject_begin(argc, argv);
	root = groups_root("pids");
	groups_mine("pids", home);
	clock_gettime(CLOCK_MONOTONIC, &now);
	snprintf(outer, sizeof(outer), "subject-%llx", now.tv_sec * 1000000000ull + now.tv_nsec);
	snprintf(inner, sizeof(inner), "%s/inner", outer);
	MUST(mkdirat(root, outer, 0755) == 0 && mkdirat(root, inner, 0755) == 0);
	MUST(groups_write(root, outer, "cgroup.procs", "0") && unshare(CLONE_NEWCGROUP) == 0);
	MUST(groups_write(root, inner, "cgroup.procs", "0"));
	close(root);
	subject_wait();
	CHECK(!strcmp(groups_mine("pids", buf), "/inner"), "is in %s", buf);
	/* What is mounted now begins where the namespace does. */
	root = groups_root("pids");
	CHECK(faccessat(root, "inner", F_OK, 0) == 0, "its root is another one");
	close(root);
	/* Out of it, by way of a process that never was in it, to clear away. */
	fd = open("/proc/1/ns/cgroup", O_RDONLY | O_CLOEXEC);
	MUST(fd >= 0 && setns(fd, CLONE_NEWCGROUP) == 0);
	close(fd);
	root = groups_root("pids");
	CHECK(groups_write(root, home[1] ? home + 1 : ".", "cgroup.procs", "0"), "it cannot go home");
	CHECK(unlinkat(root, inner, AT_REMOVEDIR) == 0 && unlinkat(root, outer, AT_REMOVEDIR) == 0, "the groups are not there");
	close(root);
	return subject_end();
}
