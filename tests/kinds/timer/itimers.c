/* tests/kinds/timer/itimers.c -- setitimer(2): what is left of each of the three, and that they go on. */

#include <sys/time.h>

#include "tests/harness/family.h"

static volatile sig_atomic_t ticks[NSIG];

static void handler(int nr)
{
	ticks[nr]++;
}

static const struct timer {
	const char *name;
	int which, signal;
	long left, interval; /* seconds */
} timers[] = {
	{ "ITIMER_REAL", ITIMER_REAL, SIGALRM, 1000, 7 },
	{ "ITIMER_VIRTUAL", ITIMER_VIRTUAL, SIGVTALRM, 2000, 0 },
	{ "ITIMER_PROF", ITIMER_PROF, SIGPROF, 3000, 9 },
};

/* Far from its end: the rest is what it was, less the time that passed. */
static void long_child(void *arg)
{
	for (int i = 0; i < 3; i++)
		MUST(setitimer(timers[i].which, &(struct itimerval){ { timers[i].interval, 123456 }, { timers[i].left, 0 } },
			       NULL) == 0);
	child_up();
	subject_wait_for("go");
	for (int i = 0; i < 3; i++) {
		const struct timer *t = &timers[i];
		struct itimerval now;

		MUST(getitimer(t->which, &now) == 0);
		CHECK(now.it_value.tv_sec <= t->left && now.it_value.tv_sec > t->left - 100, "%s: %ld s are left of %ld", t->name,
		      now.it_value.tv_sec, t->left);
		CHECK(now.it_interval.tv_sec == t->interval && now.it_interval.tv_usec == 123456, "%s: interval %ld.%06ld",
		      t->name, now.it_interval.tv_sec, now.it_interval.tv_usec);
	}
}

/* Once more, then no more. */
static void short_child(void *arg)
{
	const struct timer *t = arg;

	signal(t->signal, handler);
	/* ITIMER_REAL runs out only when nobody waits for the dump any more; the others when this task computes. */
	MUST(setitimer(t->which, &(struct itimerval){ { 0, 0 }, { t->which == ITIMER_REAL ? 4 : 0, 500000 } }, NULL) == 0);
	child_up();
	subject_wait_for("go");
	while (!ticks[t->signal])
		;
	CHECK(ticks[t->signal] == 1, "%s: it fired %d times", t->name, (int)ticks[t->signal]);
}

static void ticking_child(void *arg)
{
	int before;

	signal(SIGALRM, handler);
	MUST(setitimer(ITIMER_REAL, &(struct itimerval){ { 0, 10000 }, { 0, 10000 } }, NULL) == 0);
	child_up();
	subject_wait_for("go");
	before = ticks[SIGALRM];
	while (ticks[SIGALRM] < before + 3)
		subject_nap();
}

int main(int argc, char **argv)
{
	pid_t pids[5];

	subject_begin(argc, argv);
	pids[0] = child_start(long_child, NULL);
	pids[1] = child_start(ticking_child, NULL);
	for (int i = 0; i < 3; i++)
		pids[2 + i] = child_start(short_child, (void *)&timers[i]);

	subject_wait();

	for (int i = 0; i < 5; i++)
		child_end(pids[i]);
	return subject_end();
}
