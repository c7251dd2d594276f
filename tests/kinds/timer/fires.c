/* tests/kinds/timer/fires.c -- POSIX timers that run out after restore: the signal, its siginfo, the thread it is for.
 *
 * harness: compare: no
 * Whether a signal waits at the moment is chance.
 */

#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <sys/syscall.h>

#include "tests/harness/subject.h"

enum { PERIOD_MS = 20 };

static sigset_t set;
static _Atomic pid_t tid;
static _Atomic int done;

static int start(int notify, int signal, int value)
{
	static const struct itimerspec spec = { { 0, PERIOD_MS * 1000000 }, { 0, PERIOD_MS * 1000000 } };
	struct sigevent ev = { .sigev_notify = notify, .sigev_signo = signal, .sigev_value.sival_int = value };
	int id = -1;

	ev._sigev_un._tid = tid;
	MUST(syscall(SYS_timer_create, CLOCK_MONOTONIC, &ev, &id) == 0);
	MUST(syscall(SYS_timer_settime, id, 0, &spec, NULL) == 0);
	return id;
}

/* The first one may have waited since before the dump; the second one is the timer's, now. */
static void take(const char *whose, int signal, int id, int value)
{
	sigset_t one;

	sigemptyset(&one);
	sigaddset(&one, signal);
	for (int i = 0; i < 3; i++) {
		siginfo_t info = { 0 };
		int ret;

		do
			ret = sigtimedwait(&one, &info, &(struct timespec){ 20, 0 });
		while (ret < 0 && errno == EINTR);
		CHECK(ret == signal, "%s: expiry %d: %d, %s", whose, i, ret, strerror(errno));
		CHECK(info.si_code == SI_TIMER, "%s: expiry %d: si_code %d", whose, i, info.si_code);
		CHECK(info.si_timerid == id, "%s: expiry %d: of timer %d, not %d", whose, i, info.si_timerid, id);
		CHECK(info.si_value.sival_int == value, "%s: expiry %d: value %d", whose, i, info.si_value.sival_int);
		CHECK(info.si_overrun >= 0, "%s: expiry %d: overrun %d", whose, i, info.si_overrun);
	}
}

static _Atomic int thread_timer;

static void *thread(void *arg)
{
	tid = gettid();
	subject_wait_for("go");
	take("thread", SIGRTMIN + 1, thread_timer, 22);
	done = 1;
	return NULL;
}

int main(int argc, char **argv)
{
	static const struct timespec nothing = { 0, 0 };
	pthread_t t;
	int mine;

	subject_begin(argc, argv);
	sigfillset(&set);
	sigprocmask(SIG_BLOCK, &set, NULL);
	MUST(pthread_create(&t, NULL, thread, NULL) == 0);
	while (!tid)
		subject_nap();
	mine = start(SIGEV_SIGNAL, SIGRTMIN + 2, 11);
	thread_timer = start(SIGEV_THREAD_ID, SIGRTMIN + 1, 22);

	subject_wait();

	take("process", SIGRTMIN + 2, mine, 11);
	pthread_join(t, NULL);
	sigemptyset(&set);
	sigaddset(&set, SIGRTMIN + 1);
	CHECK(sigtimedwait(&set, NULL, &nothing) < 0 || done, "the signal of the thread came to the process");
	return subject_end();
}
