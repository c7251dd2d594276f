/* tests/kinds/cgroup/namespace.c -- a cgroup namespace whose root is above the group that the task is in.
 *
 * harness: places: host
 */

#include <sched.h>
#include <sys/wait.h>
#include <time.h>

#include "tests/kinds/cgroup/groups.h"

/* A group goes when nobody is in it: when the subject has ended. Who waits for that is no part of the tree. */
static void sweep(int root, const char *inner, const char *outer)
{
	pid_t pid = fork();

	MUST(pid >= 0);
	if (pid == 0) {
		if (setsid() < 0 || fork())
			_exit(0);
		subject_wait_for("result");
		for (int i = 0; i < 1000 && unlinkat(root, outer, AT_REMOVEDIR) < 0 && errno != ENOENT; i++) {
			unlinkat(root, inner, AT_REMOVEDIR);
			subject_nap();
		}
		_exit(0);
	}
	MUST(waitpid(pid, NULL, 0) == pid);
}

int main(int argc, char **argv)
{
	char outer[128], inner[160], buf[256];
	struct timespec now;
	int root;

	subject_begin(argc, argv);
	root = groups_root("pids");
	clock_gettime(CLOCK_MONOTONIC, &now);
	snprintf(outer, sizeof(outer), "subject-%llx", now.tv_sec * 1000000000ull + now.tv_nsec);
	snprintf(inner, sizeof(inner), "%s/inner", outer);
	MUST(mkdirat(root, outer, 0755) == 0 && mkdirat(root, inner, 0755) == 0);
	sweep(root, inner, outer);
	MUST(groups_write(root, outer, "cgroup.procs", "0") && unshare(CLONE_NEWCGROUP) == 0);
	MUST(groups_write(root, inner, "cgroup.procs", "0"));
	close(root);
	subject_wait();
	CHECK(!strcmp(groups_mine("pids", buf), "/inner"), "is in %s", buf);
	/* What is mounted now begins where the namespace does. */
	root = groups_root("pids");
	CHECK(faccessat(root, "inner", F_OK, 0) == 0, "its root is another one");
	close(root);
	return subject_end();
}
