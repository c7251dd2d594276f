/* tests/kinds/timer/posix.c -- timer_create(2): numbers with gaps, every clock, every way to notify, disarmed and running. */

#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <sys/syscall.h>

#include "tests/harness/subject.h"

enum {
	GAP = 3,
	RT = 34, /* the first real-time signal that the C library leaves us */
};

static const struct timer {
	const char *name;
	int clock, notify, signal;
	long left, interval; /* seconds; left 0: disarmed */
} timers[] = {
	{ "realtime, signal", CLOCK_REALTIME, SIGEV_SIGNAL, SIGUSR1, 1000, 0 },
	{ "monotonic, thread", CLOCK_MONOTONIC, SIGEV_THREAD_ID, RT, 2000, 11 },
	{ "monotonic, none", CLOCK_MONOTONIC, SIGEV_NONE, 0, 3000, 12 },
	{ "boottime, disarmed", CLOCK_BOOTTIME, SIGEV_SIGNAL, RT + 1, 0, 13 },
	{ "process, signal", CLOCK_PROCESS_CPUTIME_ID, SIGEV_SIGNAL, RT + 2, 4000, 14 },
	{ "thread, signal", CLOCK_THREAD_CPUTIME_ID, SIGEV_SIGNAL, RT + 5, 7000, 16 },
	{ "realtime, absolute", CLOCK_REALTIME, SIGEV_SIGNAL, RT + 3, 5000, 0 },
	{ "tai, signal", CLOCK_TAI, SIGEV_SIGNAL, RT + 4, 6000, 15 },
};

enum { TIMERS = sizeof(timers) / sizeof(timers[0]) };

static int ids[TIMERS];
static _Atomic pid_t tid;

static void *thread(void *arg)
{
	tid = gettid();
	subject_wait_for("go");
	return NULL;
}

/* The bare calls: what the kernel calls a timer is a number, which glibc hides. */
static int create(const struct timer *t, int value)
{
	struct sigevent ev = { .sigev_notify = t->notify, .sigev_signo = t->signal, .sigev_value.sival_int = value };
	int id = -1;

	ev._sigev_un._tid = tid;
	MUST(syscall(SYS_timer_create, t->clock, &ev, &id) == 0);
	return id;
}

static void set(const struct timer *t, int id)
{
	struct itimerspec spec = { { t->interval, 0 }, { t->left, 0 } };
	int absolute = strstr(t->name, "absolute") != NULL;
	struct timespec now;

	if (absolute) {
		clock_gettime(t->clock, &now);
		spec.it_value.tv_sec += now.tv_sec;
	}
	MUST(syscall(SYS_timer_settime, id, absolute ? TIMER_ABSTIME : 0, &spec, NULL) == 0);
}

int main(int argc, char **argv)
{
	struct itimerspec now;
	pthread_t t;

	subject_begin(argc, argv);
	MUST(pthread_create(&t, NULL, thread, NULL) == 0);
	while (!tid)
		subject_nap();
	for (int i = 0; i < TIMERS; i++) {
		for (int j = 0; j < GAP; j++)
			MUST(syscall(SYS_timer_delete, create(&timers[0], 0)) == 0);
		ids[i] = create(&timers[i], 100 + i);
		set(&timers[i], ids[i]);
	}

	subject_wait();

	for (int i = 0; i < TIMERS; i++) {
		const struct timer *at = &timers[i];

		if (syscall(SYS_timer_gettime, ids[i], &now) < 0) {
			CHECK(0, "%s: timer %d: %s", at->name, ids[i], strerror(errno));
			continue;
		}
		CHECK(now.it_value.tv_sec <= at->left && now.it_value.tv_sec + 100 > at->left, "%s: %ld s are left of %ld",
		      at->name, now.it_value.tv_sec, at->left);
		CHECK(!at->left || now.it_interval.tv_sec == at->interval, "%s: interval %ld", at->name, now.it_interval.tv_sec);
	}
	pthread_join(t, NULL);
	return subject_end();
}
