/* tests/kinds/signal/pending.c -- blocked signals that wait, for the process and for one thread: their order and their siginfo. */

#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>

#include "tests/harness/subject.h"

static pthread_barrier_t up;
static sigset_t all;
static pid_t child;

/* The next signal that waits must be this one. Asked of the kernel itself: glibc shows SI_TKILL as SI_USER. */
static void take(const char *whose, int nr, int code, pid_t sender, int value)
{
	static const struct timespec now = { 0, 0 };
	siginfo_t info = { 0 };
	int ret = syscall(SYS_rt_sigtimedwait, &all, &info, &now, 8);

	CHECK(ret == nr, "%s: signal %d instead of %d (%s)", whose, ret, nr, strerror(errno));
	CHECK(info.si_code == code, "%s: signal %d: si_code %d, not %d", whose, nr, info.si_code, code);
	if (code != SI_KERNEL)
		CHECK(info.si_pid == sender && info.si_uid == getuid(), "%s: signal %d: from pid %d, uid %d", whose, nr,
		      info.si_pid, info.si_uid);
	if (code == SI_QUEUE)
		CHECK(info.si_value.sival_int == value, "%s: signal %d: value %d, not %d", whose, nr, info.si_value.sival_int,
		      value);
	if (code == CLD_EXITED)
		CHECK(info.si_status == value, "%s: signal %d: status %d, not %d", whose, nr, info.si_status, value);
}

static void queue_to_thread(pthread_t t, int nr, int value)
{
	MUST(pthread_sigqueue(t, nr, (union sigval){ .sival_int = value }) == 0);
}

static void *thread(void *arg)
{
	pthread_t self = pthread_self();

	queue_to_thread(self, SIGRTMIN + 1, 21);
	queue_to_thread(self, SIGRTMIN + 1, 22);
	queue_to_thread(self, SIGUSR2, 23);
	MUST(tgkill(getpid(), gettid(), SIGUSR1) == 0);
	pthread_barrier_wait(&up);

	subject_wait_for("go");

	/* Those of the thread come first, the lowest number first, equal ones in the order in which they were sent. */
	take("thread", SIGUSR1, SI_TKILL, getpid(), 0);
	take("thread", SIGUSR2, SI_QUEUE, getpid(), 23);
	take("thread", SIGRTMIN + 1, SI_QUEUE, getpid(), 21);
	take("thread", SIGRTMIN + 1, SI_QUEUE, getpid(), 22);
	return NULL;
}

int main(int argc, char **argv)
{
	struct itimerval soon = { .it_value = { 0, 1000 } };
	pthread_t t;

	subject_begin(argc, argv);
	sigfillset(&all);
	sigprocmask(SIG_BLOCK, &all, NULL);
	MUST(pthread_barrier_init(&up, NULL, 2) == 0);
	MUST(pthread_create(&t, NULL, thread, NULL) == 0);
	pthread_barrier_wait(&up);

	for (int i = 0; i < 5; i++)
		MUST(sigqueue(getpid(), SIGRTMIN + 3, (union sigval){ .sival_int = i }) == 0);
	MUST(sigqueue(getpid(), SIGRTMAX, (union sigval){ .sival_int = 100 }) == 0);
	MUST(sigqueue(getpid(), SIGHUP, (union sigval){ .sival_int = -1 }) == 0);
	MUST(kill(getpid(), SIGTERM) == 0);
	MUST(setitimer(ITIMER_REAL, &soon, NULL) == 0);
	child = fork();
	MUST(child >= 0);
	if (child == 0)
		_exit(3);
	MUST(waitid(P_PID, child, NULL, WEXITED | WNOWAIT) == 0);
	subject_nap();

	subject_wait();

	pthread_join(t, NULL);
	take("process", SIGHUP, SI_QUEUE, getpid(), -1);
	take("process", SIGALRM, SI_KERNEL, 0, 0);
	take("process", SIGTERM, SI_USER, getpid(), 0);
	take("process", SIGCHLD, CLD_EXITED, child, 3);
	for (int i = 0; i < 5; i++)
		take("process", SIGRTMIN + 3, SI_QUEUE, getpid(), i);
	take("process", SIGRTMAX, SI_QUEUE, getpid(), 100);
	CHECK(sigtimedwait(&all, NULL, &(struct timespec){ 0, 0 }) < 0 && errno == EAGAIN, "there are more signals than before");
	return subject_end();
}
