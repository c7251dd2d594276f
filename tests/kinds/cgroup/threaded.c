/* tests/kinds/cgroup/threaded.c -- version 2: two threads of a process, each in a threaded group of its own.
 *
 * harness: places: host
 */

#include <pthread.h>
#include <time.h>

#include "tests/kinds/cgroup/groups.h"

static char outer[128], groups[2][160];

static void check(int i)
{
	char buf[256];

	CHECK(!strcmp(groups_mine("", buf) + 1, groups[i]), "thread %d is in %s and not in /%s", i, buf, groups[i]);
}

static void *thread(void *arg)
{
	int root = groups_root("");

	MUST(groups_write(root, groups[1], "cgroup.threads", "0"));
	close(root);
	subject_leave("thread", "");
	subject_wait_for("go");
	check(1);
	return NULL;
}

int main(int argc, char **argv)
{
	int root = groups_root("");
	char home[256], buf[256];
	struct timespec now;
	pthread_t th;

	subject_begin(argc, argv);
	groups_mine("", home);
	clock_gettime(CLOCK_MONOTONIC, &now);
	snprintf(outer, sizeof(outer), "subject-%llx", now.tv_sec * 1000000000ull + now.tv_nsec);
	MUST(mkdirat(root, outer, 0755) == 0 && groups_write(root, outer, "cgroup.procs", "0"));
	for (int i = 0; i < 2; i++) {
		snprintf(groups[i], sizeof(groups[i]), "%s/%c", outer, 'a' + i);
		MUST(mkdirat(root, groups[i], 0755) == 0 && groups_write(root, groups[i], "cgroup.type", "threaded"));
	}
	MUST(pthread_create(&th, NULL, thread, NULL) == 0);
	MUST(groups_write(root, groups[0], "cgroup.threads", "0"));
	close(root);
	subject_wait_for("thread");
	subject_wait();
	check(0);
	pthread_join(th, NULL);
	root = groups_root("");
	for (int i = 0; i < 2; i++)
		CHECK(!strcmp(groups_read(root, groups[i], "cgroup.type", buf), "threaded"), "group %d is %s", i, buf);
	CHECK(groups_write(root, home[1] ? home + 1 : ".", "cgroup.procs", "0"), "it cannot go home");
	for (int i = 0; i < 2; i++)
		CHECK(unlinkat(root, groups[i], AT_REMOVEDIR) == 0, "group %d is not there", i);
	CHECK(unlinkat(root, outer, AT_REMOVEDIR) == 0, "the group is not there");
	close(root);
	return subject_end();
}
