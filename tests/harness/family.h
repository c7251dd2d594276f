/* tests/harness/family.h -- for subjects of several processes.
 *
 *	static void child(void *arg)
 *	{
 *		...set something up...
 *		child_up();		// the parent goes on
 *		subject_wait_for("go");
 *		CHECK(...);
 *	}
 *
 *	pid_t pid = child_start(child, NULL);
 *	subject_wait();
 *	child_end(pid);			// it must have returned
 *
 * A child says that it is up by a file, as a subject does: no pipe between them is left for the dump.
 */
#ifndef TESTS_HARNESS_FAMILY_H
#define TESTS_HARNESS_FAMILY_H

#include <signal.h>
#include <sys/wait.h>

#include "tests/harness/subject.h"

/* Called by a child, at any depth below the subject, when it is ready to be dumped. */
static inline void child_up(void)
{
	char name[64];

	snprintf(name, sizeof(name), "up.%d", (int)getpid());
	subject_leave(name, "");
}

static inline void child_wait_up(pid_t pid)
{
	char name[64];

	snprintf(name, sizeof(name), "up.%d", (int)pid);
	subject_wait_for(name);
}

/* A child that runs fn(arg) and then exits with 0. Returns without waiting for it to be up. */
static inline pid_t child_fork(void (*fn)(void *), void *arg)
{
	pid_t pid = fork();

	MUST(pid >= 0);
	if (pid == 0) {
		fn(arg);
		_exit(0);
	}
	return pid;
}

/* The same; returns when it is up. */
static inline pid_t child_start(void (*fn)(void *), void *arg)
{
	pid_t pid = child_fork(fn, arg);

	child_wait_up(pid);
	return pid;
}

/* Wait for the end of a child, which must be exit(0). */
static inline void child_end(pid_t pid)
{
	int status = -1;
	pid_t got;

	do
		got = waitpid(pid, &status, 0);
	while (got < 0 && errno == EINTR);
	CHECK(got == pid, "waitpid(%d): %s", (int)pid, strerror(errno));
	CHECK(got != pid || status == 0, "child %d ended with status %#x", (int)pid, status);
}

#endif
