/* tests/kinds/signal/trap.c -- SIGTRAP ignored, and SIGTRAP blocked with a handler.
 *
 * harness: peer: traps inside the task, and so makes an ignored SIGTRAP the default again
 * A trap that happens while the signal is ignored or blocked makes the kernel set the default action.
 */

#include "tests/harness/family.h"

#ifndef PENDING
#define PENDING 0
#endif

static volatile sig_atomic_t got;

static void handler(int nr)
{
	got++;
}

static void child_ignores(void *arg)
{
	struct sigaction sa;

	signal(SIGTRAP, SIG_IGN);
	child_up();
	subject_wait_for("go");
	MUST(sigaction(SIGTRAP, NULL, &sa) == 0);
	CHECK(sa.sa_handler == SIG_IGN, "SIGTRAP is not ignored any more");
	raise(SIGTRAP);
}

static void child_blocks(void *arg)
{
	struct sigaction sa;
	sigset_t set;

	signal(SIGTRAP, handler);
	sigemptyset(&set);
	sigaddset(&set, SIGTRAP);
	sigprocmask(SIG_BLOCK, &set, NULL);
	if (PENDING)
		raise(SIGTRAP);
	child_up();
	subject_wait_for("go");
	MUST(sigaction(SIGTRAP, NULL, &sa) == 0);
	CHECK(sa.sa_handler == handler, "the handler of SIGTRAP is gone");
	CHECK(got == 0, "SIGTRAP is not blocked any more");
	sigprocmask(SIG_UNBLOCK, &set, NULL);
	CHECK(got == PENDING, "SIGTRAP came %d times", (int)got);
}

int main(int argc, char **argv)
{
	pid_t a, b;

	subject_begin(argc, argv);
	a = child_start(child_ignores, NULL);
	b = child_start(child_blocks, NULL);

	subject_wait();

	child_end(a);
	child_end(b);
	return subject_end();
}
