/* tests/kinds/signal/actions.c -- what each of the 64 signals does: handler, flags, mask and restorer as the kernel has them. */

#include <signal.h>
#include <stdint.h>
#include <sys/syscall.h>

#include "tests/harness/subject.h"

/* The kernel's struct sigaction, which glibc's is not. */
struct action {
	uintptr_t handler;
	unsigned long flags;
	uintptr_t restorer;
	uint64_t mask;
};

enum { SIGNALS = 64, RESTORER = 0x04000000 };

static const unsigned long flags[] = {
	SA_SIGINFO, SA_RESTART | SA_NODEFER, SA_ONSTACK | SA_RESETHAND, SA_NOCLDSTOP | SA_NOCLDWAIT, 0,
};

static volatile int got, value;

static void handler(int nr, siginfo_t *info, void *context)
{
	got = nr;
	value = info->si_value.sival_int;
}

static void other_handler(int nr)
{
	got = -nr;
}

/* The restorer of glibc, found in what sigaction(3) has set. */
static uintptr_t find_restorer(void)
{
	struct sigaction sa = { .sa_handler = other_handler };
	struct action a;

	MUST(sigaction(SIGUSR1, &sa, NULL) == 0);
	MUST(syscall(SYS_rt_sigaction, SIGUSR1, NULL, &a, 8) == 0 && a.flags & RESTORER);
	return a.restorer;
}

static struct action action(int nr, uintptr_t restorer)
{
	struct action a = { 0 };

	if (nr == SIGTRAP) /* trap.c */
		return a;
	switch (nr % 4) {
	case 0: /* the default, which leaves no mask */
		return a;
	case 1:
		a.handler = (uintptr_t)SIG_IGN;
		break;
	case 2:
		a.handler = (uintptr_t)other_handler;
		break;
	default:
		a.handler = (uintptr_t)handler;
	}
	a.flags = flags[nr % 5] | RESTORER | (a.handler == (uintptr_t)handler ? SA_SIGINFO : 0);
	a.restorer = restorer;
	/* SIGKILL and SIGSTOP are never in a mask. */
	a.mask = (0x0123456789abcdefULL * nr) & ~(1ULL << (SIGKILL - 1) | 1ULL << (SIGSTOP - 1));
	return a;
}

int main(int argc, char **argv)
{
	uintptr_t restorer;
	sigset_t none;

	subject_begin(argc, argv);
	restorer = find_restorer();
	for (int nr = 1; nr <= SIGNALS; nr++) {
		struct action a = action(nr, restorer);

		if (nr != SIGKILL && nr != SIGSTOP)
			MUST(syscall(SYS_rt_sigaction, nr, &a, NULL, 8) == 0);
	}

	subject_wait();

	for (int nr = 1; nr <= SIGNALS; nr++) {
		struct action want = action(nr, restorer), a;

		if (nr == SIGKILL || nr == SIGSTOP)
			continue;
		MUST(syscall(SYS_rt_sigaction, nr, NULL, &a, 8) == 0);
		CHECK(a.handler == want.handler, "signal %d: handler %#lx, not %#lx", nr, a.handler, want.handler);
		CHECK(a.flags == want.flags, "signal %d: flags %#lx, not %#lx", nr, a.flags, want.flags);
		CHECK(a.restorer == want.restorer, "signal %d: restorer %#lx, not %#lx", nr, a.restorer, want.restorer);
		CHECK(a.mask == want.mask, "signal %d: mask %#lx, not %#lx", nr, a.mask, want.mask);
	}
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	MUST(sigqueue(getpid(), 35, (union sigval){ .sival_int = 5 }) == 0);
	CHECK(got == 35 && value == 5, "signal 35 came as %d with the value %d", got, value);
	MUST(raise(SIGURG + 11) == 0); /* 34, which other_handler() has */
	CHECK(got == -34, "signal 34 came as %d", got);
	return subject_end();
}
