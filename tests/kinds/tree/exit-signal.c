/* tests/kinds/tree/exit-signal.c -- children that tell their end by another signal than SIGCHLD, or by none; dead ones too.
 *
 * harness: peer: has no field for it
 */

#include <linux/sched.h>
#include <stdbool.h>
#include <sys/syscall.h>

#include "tests/harness/family.h"

static struct child {
	int signal;
	bool dead;
	pid_t pid;
} children[] = {
	{ SIGCHLD, false, 0 }, { 0, false, 0 }, { SIGUSR1, false, 0 }, { 40, false, 0 }, { SIGUSR2, true, 0 },
	{ 0, true, 0 },
};

enum { CHILDREN = sizeof(children) / sizeof(children[0]) };

static volatile sig_atomic_t seen[65];

static void handler(int sig, siginfo_t *info, void *context)
{
	seen[sig] = info->si_pid;
}

static void start(struct child *c)
{
	struct clone_args args = { .exit_signal = c->signal };

	c->pid = syscall(SYS_clone3, &args, sizeof(args));
	MUST(c->pid >= 0);
	if (c->pid == 0) {
		if (!c->dead) {
			child_up();
			subject_wait_for("go");
		}
		_exit(7);
	}
	if (c->dead) {
		siginfo_t info = { 0 };

		MUST(waitid(P_PID, c->pid, &info, WEXITED | WNOWAIT | __WALL) == 0);
	} else {
		child_wait_up(c->pid);
	}
}

/* Its field in /proc/PID/stat. */
static int shown(pid_t pid)
{
	char path[64], text[1024], *at;
	FILE *f;
	int nr;

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	f = fopen(path, "r");
	if (!f)
		return -2;
	text[fread(text, 1, sizeof(text) - 1, f)] = 0;
	fclose(f);
	at = strrchr(text, ')');
	for (nr = 2; at && nr < 38; nr++)
		at = strchr(at + 1, ' ');
	return at ? atoi(at) : -2;
}

int main(int argc, char **argv)
{
	struct sigaction action = { .sa_sigaction = handler, .sa_flags = SA_SIGINFO | SA_RESTART };

	subject_begin(argc, argv);
	for (int i = 0; i < CHILDREN; i++)
		MUST(!children[i].signal || sigaction(children[i].signal, &action, NULL) == 0);
	for (int i = 0; i < CHILDREN; i++)
		start(&children[i]);
	memset((void *)seen, 0, sizeof(seen));

	subject_wait();

	CHECK(!seen[SIGUSR2], "the signal of one that had ended came again");
	for (int i = 0; i < CHILDREN; i++) {
		const struct child *c = &children[i];
		int sig = shown(c->pid), status = 0;

		CHECK(sig == c->signal || sig == -2, "child %d: exit signal %d, not %d", i, sig, c->signal);
		CHECK(waitpid(c->pid, &status, __WALL) == c->pid, "child %d: %s", i, strerror(errno));
		CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 7, "child %d: status %#x", i, status);
		CHECK(c->dead || !c->signal || seen[c->signal] == c->pid, "child %d: no signal %d", i, c->signal);
	}
	return subject_end();
}
