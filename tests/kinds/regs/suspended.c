/* tests/kinds/regs/suspended.c -- waiting for a signal, with the mask of the wait: pause, sigsuspend, ppoll, pselect.
 *
 * While they wait, the kernel keeps the mask that was in force before apart; it must come back when they return.
 */

#include <poll.h>
#include <sys/select.h>

#include "tests/harness/family.h"

static volatile sig_atomic_t got;

static void handler(int nr)
{
	got++;
}

static const struct timespec long_time = { 1000, 0 };

static int call_pause(const sigset_t *mask)
{
	return pause();
}

static int call_ppoll(const sigset_t *mask)
{
	return ppoll(NULL, 0, &long_time, mask);
}

static int call_pselect(const sigset_t *mask)
{
	return pselect(0, NULL, NULL, NULL, &long_time, mask);
}

static const struct call {
	const char *name;
	int (*run)(const sigset_t *mask);
	int open; /* SIGUSR1 is not blocked outside the call */
} calls[] = {
	{ "pause", call_pause, 1 },
	{ "sigsuspend", sigsuspend, 0 },
	{ "ppoll", call_ppoll, 0 },
	{ "pselect", call_pselect, 0 },
};

enum { CALLS = sizeof(calls) / sizeof(calls[0]) };

static void child(void *arg)
{
	const struct call *call = arg;
	sigset_t outside, inside, after;
	int ret;

	signal(SIGUSR1, handler);
	sigemptyset(&outside);
	sigaddset(&outside, SIGHUP);
	if (!call->open)
		sigaddset(&outside, SIGUSR1);
	sigprocmask(SIG_SETMASK, &outside, NULL);
	sigemptyset(&inside);
	sigaddset(&inside, SIGUSR2);
	child_up();

	ret = call->run(&inside);

	CHECK(ret == -1 && errno == EINTR, "%s: %d, %s", call->name, ret, strerror(errno));
	CHECK(got == 1, "%s: the handler ran %d times", call->name, (int)got);
	sigprocmask(SIG_SETMASK, NULL, &after);
	for (int nr = 1; nr < 32; nr++)
		CHECK(sigismember(&after, nr) == sigismember(&outside, nr), "%s: afterwards signal %d is %sblocked", call->name, nr,
		      sigismember(&after, nr) ? "" : "not ");
}

/* /proc/PID/stat, field 3. */
static int asleep(pid_t pid)
{
	char path[64], text[256] = "";
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	fd = open(path, O_RDONLY);
	if (fd >= 0) {
		if (read(fd, text, sizeof(text) - 1) < 0)
			text[0] = 0;
		close(fd);
	}
	return strstr(text, ") S ") != NULL;
}

int main(int argc, char **argv)
{
	pid_t pids[CALLS];

	subject_begin(argc, argv);
	for (int i = 0; i < CALLS; i++) {
		pids[i] = child_start(child, (void *)&calls[i]);
		while (!asleep(pids[i]))
			subject_nap();
	}

	subject_wait();

	for (int i = 0; i < CALLS; i++) {
		/* One that blocks nothing must be in its call again before the signal comes. */
		while (!asleep(pids[i]))
			subject_nap();
		CHECK(kill(pids[i], SIGUSR1) == 0, "kill: %s", strerror(errno));
		child_end(pids[i]);
	}
	return subject_end();
}
