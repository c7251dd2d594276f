/* tests/kinds/signal/stopped.c -- stopped children of several threads. */

#include <pthread.h>

#include "tests/harness/family.h"

enum { THREADS = 3 };

#ifndef STOP_SIGNALS
#define STOP_SIGNALS SIGSTOP, SIGTSTP
#endif

#ifndef SEND_WHILE_STOPPED
#define SEND_WHILE_STOPPED 0
#endif

static const int stop_signals[] = { STOP_SIGNALS };

enum { CHILDREN = sizeof(stop_signals) / sizeof(stop_signals[0]) };

static _Atomic int running;
static volatile sig_atomic_t got;

static void handler(int nr)
{
	got++;
}

static void *thread(void *arg)
{
	running++;
	subject_wait_for("go");
	return NULL;
}

static void child(void *arg)
{
	pthread_t threads[THREADS];

	/* A process group whose parent is in another one of the session: the job-control stops work there. */
	setpgid(0, 0);
	signal(SIGUSR1, handler);
	for (int i = 0; i < THREADS; i++)
		MUST(pthread_create(&threads[i], NULL, thread, NULL) == 0);
	while (running < THREADS)
		subject_nap();
	child_up();
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	CHECK(got == SEND_WHILE_STOPPED, "the signal sent while it was stopped came %d times", (int)got);
}

int main(int argc, char **argv)
{
	pid_t pids[CHILDREN];
	int status;

	subject_begin(argc, argv);
	for (int i = 0; i < CHILDREN; i++) {
		pids[i] = child_start(child, NULL);
		MUST(kill(pids[i], stop_signals[i]) == 0);
		MUST(waitpid(pids[i], &status, WUNTRACED) == pids[i] && WIFSTOPPED(status));
		if (SEND_WHILE_STOPPED)
			MUST(kill(pids[i], SIGUSR1) == 0);
	}

	subject_wait();

	for (int i = 0; i < CHILDREN; i++) {
		MUST(kill(pids[i], SIGCONT) == 0);
		child_end(pids[i]);
	}
	return subject_end();
}
