/* tests/kinds/tree/orphans.c -- tasks whose session leader or group leader is gone, and who have become children of the root.
 *
 * harness: to-peer: gives them to init
 */

#include <sys/prctl.h>

#include "tests/harness/family.h"

static const struct way {
	const char *name;
	int session, group; /* what their ancestors made, and left */
} ways[] = {
	{ "session", 1, 0 },
	{ "group", 0, 1 },
	{ "group-in-session", 1, 1 },
};

enum { WAYS = sizeof(ways) / sizeof(ways[0]), EACH = 2 };

static pid_t root;

static void orphan(const struct way *way, int nr)
{
	pid_t pgid, sid;
	char name[64];

	while (getppid() != root)
		subject_nap();
	pgid = getpgrp();
	sid = getsid(0);
	snprintf(name, sizeof(name), "%s-%d", way->name, nr);
	subject_leave(name, "");

	subject_wait_for("go");

	CHECK(getpgrp() == pgid, "%s: process group %d, not %d", name, getpgrp(), pgid);
	CHECK(getsid(0) == sid, "%s: session %d, not %d", name, getsid(0), sid);
	CHECK(getppid() == root, "%s: parent %d, not %d", name, getppid(), root);
}

static void leave_orphans(void *arg)
{
	const struct way *way = arg;

	if (way->group)
		MUST(setpgid(0, 0) == 0);
	for (int i = 0; i < EACH; i++) {
		if (fork() == 0) {
			orphan(way, i);
			_exit(0);
		}
	}
}

static void leader(void *arg)
{
	const struct way *way = arg;

	if (way->session)
		MUST(setsid() == getpid());
	if (way->session && way->group) /* a session leader cannot lead another group */
		child_end(child_fork(leave_orphans, arg));
	else
		leave_orphans(arg);
}

int main(int argc, char **argv)
{
	char name[64];
	int status;

	subject_begin(argc, argv);
	root = getpid();
	MUST(prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) == 0);
	for (int i = 0; i < WAYS; i++) {
		child_end(child_fork(leader, (void *)&ways[i]));
		for (int nr = 0; nr < EACH; nr++) {
			snprintf(name, sizeof(name), "%s-%d", ways[i].name, nr);
			subject_wait_for(name);
		}
	}

	subject_wait();

	for (int i = 0; i < WAYS * EACH; i++) {
		pid_t pid = wait(&status);

		CHECK(pid > 0 && status == 0, "an orphan ended with status %#x (%s)", status, strerror(errno));
	}
	CHECK(wait(NULL) < 0 && errno == ECHILD, "there are more children than before");
	return subject_end();
}
