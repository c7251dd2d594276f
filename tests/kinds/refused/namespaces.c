/* tests/kinds/refused/namespaces.c -- children in namespaces of their own, whose parent has none, are not carried yet.
 *
 * harness: places: host
 * harness: expect: refused network namespace of its own
 * harness: expect: refused mount namespace of its own
 * harness: expect: refused UTS namespace of its own
 * harness: expect: refused IPC namespace of its own
 * harness: expect: refused pid namespace of its own
 * harness: expect: refused user namespace of its own
 * harness: expect: refused time namespace of its own
 */

#include <sched.h>

#include "tests/harness/family.h"

static const struct kind {
	const char *name, *link;
	int flag;
} kinds[] = {
	{ "network", "net", CLONE_NEWNET },   { "mount", "mnt", CLONE_NEWNS },	 { "UTS", "uts", CLONE_NEWUTS },
	{ "IPC", "ipc", CLONE_NEWIPC },	      { "PID", "pid", CLONE_NEWPID },	 { "user", "user", CLONE_NEWUSER },
	{ "time", "time", CLONE_NEWTIME },
};

enum { KINDS = sizeof(kinds) / sizeof(kinds[0]) };

static void own_link(const struct kind *kind, char *text, size_t size)
{
	char path[64];
	ssize_t n;

	snprintf(path, sizeof(path), "/proc/self/ns/%s", kind->link);
	n = readlink(path, text, size - 1);
	text[n > 0 ? n : 0] = 0;
}

static void in_namespace(void *arg)
{
	char before[64], after[64];

	own_link(arg, before, sizeof(before));
	subject_leave(((struct kind *)arg)->name, "");
	subject_wait_for("go");
	own_link(arg, after, sizeof(after));
	CHECK(strcmp(before, after) == 0, "%s namespace: %s, not %s", ((struct kind *)arg)->name, after, before);
}

static void child(void *arg)
{
	const struct kind *kind = arg;

	if (unshare(kind->flag) < 0)
		subject_skip(kind->name);
	/* Those of pids and of time are for children alone. */
	if (kind->flag == CLONE_NEWPID || kind->flag == CLONE_NEWTIME)
		child_end(child_fork(in_namespace, arg));
	else
		in_namespace(arg);
}

int main(int argc, char **argv)
{
	pid_t pids[KINDS];

	subject_begin(argc, argv);
	for (int i = 0; i < KINDS; i++) {
		pids[i] = child_fork(child, (void *)&kinds[i]);
		subject_wait_for(kinds[i].name);
	}

	subject_wait();

	for (int i = 0; i < KINDS; i++)
		child_end(pids[i]);
	return subject_end();
}
