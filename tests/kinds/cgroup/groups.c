/* tests/kinds/cgroup/groups.c -- groups inside one another, on version 1 and version 2: a task, its child and a thread are each in theirs.
 *
 * harness: places: host
 */

#include <pthread.h>
#include <time.h>

#include "tests/harness/family.h"
#include "tests/kinds/cgroup/groups.h"

static const char *const hierarchies[] = { "pids", "" };
static char outer[128], inner[160], deep[192];

/* cgroup.procs of both; a thread alone can only be moved on version 1. */
static void enter(const char *group, bool alone)
{
	for (int i = 0; i < 2 - alone; i++) {
		int root = groups_root(hierarchies[i]);

		MUST(mkdirat(root, group, 0755) == 0 || errno == EEXIST);
		MUST(groups_write(root, group, alone ? "tasks" : "cgroup.procs", "0"));
		close(root);
	}
}

static void check(const char *group, bool alone)
{
	char buf[256];

	for (int i = 0; i < 2 - alone; i++)
		CHECK(!strcmp(groups_mine(hierarchies[i], buf) + 1, group), "'%s': is in %s and not in /%s", hierarchies[i], buf, group);
}

static void child(void *arg)
{
	enter(inner, false);
	child_up();
	subject_wait_for("go");
	check(inner, false);
}

static void *thread(void *arg)
{
	enter(deep, true);
	subject_leave("thread", "");
	subject_wait_for("go");
	check(deep, true);
	return NULL;
}

static void leave(const char *const *home)
{
	for (int i = 0; i < 2; i++) {
		int root = groups_root(hierarchies[i]);

		groups_write(root, home[i][1] ? home[i] + 1 : ".", "cgroup.procs", "0");
		if (i == 0)
			CHECK(unlinkat(root, deep, AT_REMOVEDIR) == 0, "the thread's group is not there");
		CHECK(unlinkat(root, inner, AT_REMOVEDIR) == 0, "the child's group is not there");
		CHECK(unlinkat(root, outer, AT_REMOVEDIR) == 0, "the group is not there");
		close(root);
	}
}

int main(int argc, char **argv)
{
	char homes[2][256];
	const char *const home[] = { groups_mine(hierarchies[0], homes[0]), groups_mine(hierarchies[1], homes[1]) };
	struct timespec now;
	pthread_t th;
	pid_t pid;

	subject_begin(argc, argv);
	clock_gettime(CLOCK_MONOTONIC, &now);
	snprintf(outer, sizeof(outer), "subject-%llx", now.tv_sec * 1000000000ull + now.tv_nsec);
	snprintf(inner, sizeof(inner), "%s/inner", outer);
	snprintf(deep, sizeof(deep), "%s/deep", inner);
	enter(outer, false);
	pid = child_start(child, NULL);
	MUST(pthread_create(&th, NULL, thread, NULL) == 0);
	subject_wait_for("thread");
	subject_wait();
	check(outer, false);
	pthread_join(th, NULL);
	child_end(pid);
	leave(home);
	return subject_end();
}
