/* tests/kinds/regs/again.c -- calls that had been interrupted before: the task is in restart_syscall(2) when it is dumped. */

#include <poll.h>

#include "tests/harness/family.h"

static const struct timespec for_time = { 2, 0 };

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec + t.tv_nsec / 1e9;
}

static void sleeper(void *arg)
{
	struct timespec left = for_time;
	double begin = now();

	child_up();
	while (nanosleep(&left, &left) < 0)
		CHECK(errno == EINTR, "nanosleep: %s", strerror(errno));
	CHECK(now() - begin >= for_time.tv_sec, "nanosleep: it took %f s", now() - begin);
	subject_wait_for("go"); /* it is still there when the harness looks */
}

static void poller(void *arg)
{
	double begin = now();
	int ret;

	child_up();
	ret = poll(NULL, 0, for_time.tv_sec * 1000);
	CHECK(ret == 0 || errno == EINTR, "poll: %s", strerror(errno));
	CHECK(ret || now() - begin >= for_time.tv_sec - 0.01, "poll: it took %f s", now() - begin);
	subject_wait_for("go");
}

static void stop_and_continue(pid_t pid)
{
	int status;

	subject_nap();
	MUST(kill(pid, SIGSTOP) == 0);
	MUST(waitpid(pid, &status, WUNTRACED) == pid && WIFSTOPPED(status));
	MUST(kill(pid, SIGCONT) == 0);
	MUST(waitpid(pid, &status, WCONTINUED) == pid && WIFCONTINUED(status));
	subject_nap();
}

int main(int argc, char **argv)
{
	pid_t a, b;

	subject_begin(argc, argv);
	a = child_start(sleeper, NULL);
	b = child_start(poller, NULL);
	stop_and_continue(a);
	stop_and_continue(b);

	subject_wait();

	child_end(a);
	child_end(b);
	return subject_end();
}
