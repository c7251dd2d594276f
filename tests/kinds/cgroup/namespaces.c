/* tests/kinds/cgroup/namespaces.c -- children in cgroup namespaces of their own, whose parent has none.
 *
 * harness: places: host
 * harness: to-peer: has no set for a task that is where it is itself
 * harness: from-peer: the same
 * harness: chain-to-peer: the same
 */

#include <sched.h>
#include <time.h>

#include "tests/harness/family.h"
#include "tests/kinds/cgroup/groups.h"

static char outer[128];

struct child {
	const char *root, *inside; /* of its namespace; where it is, from there */
};

static const struct child children[] = { { "a", "/in" }, { "b", "/" } };

static void child(void *arg)
{
	const struct child *c = arg;
	char group[256], buf[256];
	int root = groups_root("pids");

	snprintf(group, sizeof(group), "%s/%s", outer, c->root);
	MUST(mkdirat(root, group, 0755) == 0 && groups_write(root, group, "cgroup.procs", "0") && unshare(CLONE_NEWCGROUP) == 0);
	if (c->inside[1]) {
		strcat(group, c->inside);
		MUST(mkdirat(root, group, 0755) == 0 && groups_write(root, group, "cgroup.procs", "0"));
	}
	close(root);
	child_up();
	subject_wait_for("go");
	CHECK(!strcmp(groups_mine("pids", buf), c->inside), "is in %s and not in %s", buf, c->inside);
}

int main(int argc, char **argv)
{
	char group[256], buf[256], home[256];
	struct timespec now;
	pid_t pids[2];
	int root;

	subject_begin(argc, argv);
	root = groups_root("pids");
	groups_mine("pids", home);
	clock_gettime(CLOCK_MONOTONIC, &now);
	snprintf(outer, sizeof(outer), "subject-%llx", now.tv_sec * 1000000000ull + now.tv_nsec);
	MUST(mkdirat(root, outer, 0755) == 0);
	for (int i = 0; i < 2; i++) {
		close(root);
		pids[i] = child_start(child, (void *)&children[i]);
		root = groups_root("pids");
	}
	close(root);
	subject_wait();
	CHECK(!strcmp(groups_mine("pids", buf), home), "is in %s and not in %s", buf, home);
	for (int i = 0; i < 2; i++)
		child_end(pids[i]);
	root = groups_root("pids");
	for (int i = 0; i < 2; i++) {
		snprintf(group, sizeof(group), "%s/%s/in", outer, children[i].root);
		unlinkat(root, group, AT_REMOVEDIR);
		*strrchr(group, '/') = '\0';
		CHECK(unlinkat(root, group, AT_REMOVEDIR) == 0, "the group of a child is not there");
	}
	CHECK(unlinkat(root, outer, AT_REMOVEDIR) == 0, "the group is not there");
	close(root);
	return subject_end();
}
