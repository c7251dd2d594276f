/* tests/kinds/tree/zombies.c -- children that have ended and were not waited for: how they ended is still told, once.
 *
 * harness: to-peer: brings an exit status of 255 back as 127
 */

#include <sys/resource.h>

#include "tests/harness/family.h"

static struct end {
	const char *name;
	int code, signal, core;
	pid_t pid;
} ends[] = {
	{ "exit(0)", 0, 0, 0, 0 },	     { "exit(1)", 1, 0, 0, 0 },	      { "exit(255)", 255, 0, 0, 0 },
	{ "killed by SIGKILL", 0, 9, 0, 0 }, { "killed by SIGTERM", 0, 15, 0, 0 }, { "killed by a real-time signal", 0, 40, 0, 0 },
	{ "in a group of its own", 3, 0, 0, 0 },
};

enum { ENDS = sizeof(ends) / sizeof(ends[0]) };

static void child(void *arg)
{
	const struct end *e = arg;

	if (strstr(e->name, "group"))
		setpgid(0, 0);
	if (e->signal)
		raise(e->signal);
	_exit(e->code);
}

/* One that is not the root has such children too. */
static void parent(void *arg)
{
	pid_t pid = child_fork(child, &ends[2]);
	siginfo_t info = { 0 };
	int status;

	MUST(waitid(P_PID, pid, &info, WEXITED | WNOWAIT) == 0);
	child_up();
	subject_wait_for("go");
	CHECK(waitpid(pid, &status, 0) == pid && WIFEXITED(status) && WEXITSTATUS(status) == 255, "grandchild: status %#x", status);
}

int main(int argc, char **argv)
{
	pid_t pid;

	subject_begin(argc, argv);
	MUST(setrlimit(RLIMIT_CORE, &(struct rlimit){ 0, 0 }) == 0);
	for (int i = 0; i < ENDS; i++) {
		siginfo_t info = { 0 };

		ends[i].pid = child_fork(child, &ends[i]);
		MUST(waitid(P_PID, ends[i].pid, &info, WEXITED | WNOWAIT) == 0);
	}
	pid = child_start(parent, NULL);

	subject_wait();

	child_end(pid);
	for (int i = 0; i < ENDS; i++) {
		const struct end *e = &ends[i];
		int status = -1;

		CHECK(waitpid(e->pid, &status, WNOHANG) == e->pid, "%s: it is gone: %s", e->name, strerror(errno));
		if (e->signal)
			CHECK(WIFSIGNALED(status) && WTERMSIG(status) == e->signal, "%s: status %#x", e->name, status);
		else
			CHECK(WIFEXITED(status) && WEXITSTATUS(status) == e->code, "%s: status %#x", e->name, status);
	}
	CHECK(wait(NULL) < 0 && errno == ECHILD, "there are more children than before");
	return subject_end();
}
