/* tests/kinds/tree/leaders.c -- sessions and groups that are not simply inherited: leaders that live elsewhere, are zombies, or
 * have moved on; what the harness sees of them must be the same afterwards.
 *
 * harness: to-peer: makes none of these
 */

#include <sched.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include "tests/harness/family.h"

static pid_t root;

static void stay(void)
{
	child_up();
	subject_wait_for("go");
}

static void stayer(void *arg)
{
	stay();
}

/* Made while its parent was in the root's session. */
static void parent_leaves_later(void *arg)
{
	pid_t before = child_start(stayer, NULL), after;

	MUST(setsid() == getpid());
	after = child_start(stayer, NULL);
	stay();
	child_end(before);
	child_end(after);
}

/* Made a group, left a child in it, and went to the root's. */
static void leader_moves(void *arg)
{
	pid_t child;

	MUST(setpgid(0, 0) == 0);
	child = child_start(stayer, NULL);
	MUST(setpgid(0, getpgid(root)) == 0);
	stay();
	child_end(child);
}

/* Ends, and is not waited for: its children are the root's, in its session. */
static void leader_dies(void *arg)
{
	MUST(setsid() == getpid());
	child_start(stayer, NULL);
	_exit(3);
}

/* Its brother is in its session. */
static void leader_has_brother(void *arg)
{
	pid_t pid;

	MUST(setsid() == getpid());
	pid = syscall(SYS_clone, CLONE_PARENT | SIGCHLD, 0, 0, 0, 0);
	MUST(pid >= 0);
	if (pid == 0) {
		stay();
		_exit(0);
	}
	child_wait_up(pid);
	stay();
}

static void adopted(void *arg)
{
	while (getppid() != root)
		subject_nap();
	stay();
	CHECK(getppid() == root, "adopted: parent %d, not %d", getppid(), root);
}

static void makes_orphan(void *arg)
{
	child_fork(adopted, NULL);
}

/* The orphan's session leader is a grandchild of who adopted it. */
static void grandchild_leads(void *arg)
{
	MUST(setsid() == getpid());
	child_end(child_fork(makes_orphan, NULL));
	stay();
}

static void child_of_root(void *arg)
{
	pid_t child = child_start(grandchild_leads, NULL);

	stay();
	child_end(child);
}

static int running(void)
{
	siginfo_t info = { 0 };

	return waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) == 0 && !info.si_pid;
}

int main(int argc, char **argv)
{
	pid_t zombie;
	int status, ended = 0;

	subject_begin(argc, argv);
	root = getpid();
	MUST(prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) == 0);
	child_start(parent_leaves_later, NULL);
	child_start(leader_moves, NULL);
	child_start(leader_has_brother, NULL);
	child_start(child_of_root, NULL);
	zombie = child_fork(leader_dies, NULL);
	while (running())
		subject_nap();

	subject_wait();

	CHECK(waitpid(zombie, &status, 0) == zombie && WIFEXITED(status) && WEXITSTATUS(status) == 3, "the zombie: %#x", status);
	for (pid_t pid; (pid = waitpid(-1, &status, 0)) > 0; ended++)
		CHECK(status == 0, "child %d ended with status %#x", (int)pid, status);
	CHECK(ended == 7, "%d children ended, not 7", ended);
	return subject_end();
}
