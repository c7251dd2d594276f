/* tests/kinds/regs/timed.c -- calls that were waiting until a time, or for a time, in threads and in processes: none returns before it, none
 * hangs.
 *
 * Where the kernel goes on through restart_syscall(2), what it remembers cannot be carried, and the call may fail with EINTR
 * as after any signal; where it starts the call again, it may not.
 */

#include <linux/futex.h>
#include <poll.h>
#include <pthread.h>
#include <semaphore.h>
#include <sys/epoll.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include "tests/harness/family.h"

enum { WAIT_MS = 2500 };

static struct timespec begin, end; /* of all of them, on the monotonic clock */

static double seconds(struct timespec t)
{
	return t.tv_sec + t.tv_nsec / 1e9;
}

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return seconds(t);
}

static const struct timespec for_time = { WAIT_MS / 1000, WAIT_MS % 1000 * 1000000 };

/* What is left after EINTR is told through the second argument. */
static void sleep_for(void)
{
	struct timespec left = for_time;
	double before = now();

	while (nanosleep(&left, &left) < 0) {
		CHECK(errno == EINTR, "nanosleep: %s", strerror(errno));
		CHECK(left.tv_sec >= 0 && seconds(left) <= seconds(for_time), "nanosleep: %f s are left", seconds(left));
	}
	CHECK(now() - before >= seconds(for_time), "nanosleep: it took %f s", now() - before);
}

static void sleep_until(void)
{
	int ret = clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &end, NULL);

	CHECK(ret == 0, "clock_nanosleep until a time: %s", strerror(ret));
	CHECK(now() >= seconds(end), "clock_nanosleep: %f s too early", seconds(end) - now());
}

static void wait_select(void)
{
	struct timeval left = { WAIT_MS / 1000, WAIT_MS % 1000 * 1000 };
	int ret = select(0, NULL, NULL, NULL, &left);

	CHECK(ret == 0, "select: %d, %s", ret, strerror(errno));
	CHECK(now() >= seconds(end) - 0.01, "select: %f s too early", seconds(end) - now());
}

static void wait_pselect(void)
{
	int ret = pselect(0, NULL, NULL, NULL, &for_time, NULL);

	CHECK(ret == 0, "pselect: %d, %s", ret, strerror(errno));
	CHECK(now() >= seconds(end) - 0.01, "pselect: %f s too early", seconds(end) - now());
}

static void wait_ppoll(void)
{
	int ret = ppoll(NULL, 0, &for_time, NULL);

	CHECK(ret == 0, "ppoll: %d, %s", ret, strerror(errno));
	CHECK(now() >= seconds(end) - 0.01, "ppoll: %f s too early", seconds(end) - now());
}

static void wait_poll(void)
{
	int ret = poll(NULL, 0, WAIT_MS);

	CHECK(ret == 0 || errno == EINTR, "poll: %d, %s", ret, strerror(errno));
	CHECK(ret || now() >= seconds(end) - 0.01, "poll: %f s too early", seconds(end) - now());
}

static void wait_condition(void)
{
	pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
	pthread_condattr_t attr;
	pthread_cond_t cond;
	int ret;

	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&cond, &attr);
	pthread_mutex_lock(&lock);
	do
		ret = pthread_cond_timedwait(&cond, &lock, &end);
	while (ret == 0); /* spurious wake-ups are allowed */
	CHECK(ret == ETIMEDOUT, "pthread_cond_timedwait: %s", strerror(ret));
	CHECK(now() >= seconds(end), "pthread_cond_timedwait: %f s too early", seconds(end) - now());
}

static void wait_semaphore(void)
{
	sem_t sem;
	int ret;

	sem_init(&sem, 0, 0);
	ret = sem_clockwait(&sem, CLOCK_MONOTONIC, &end);
	CHECK(ret == -1 && (errno == ETIMEDOUT || errno == EINTR), "sem_clockwait: %d, %s", ret, strerror(errno));
	CHECK(errno == EINTR || now() >= seconds(end), "sem_clockwait: %f s too early", seconds(end) - now());
}

/* Those below are never made again after a signal, or only the kernel knows when they began: EINTR is allowed. */
static void check_result(const char *what, int ret, int timed_out)
{
	int e = errno;

	CHECK(ret == timed_out && (ret == 0 || e == EAGAIN || e == EINTR || e == ETIMEDOUT), "%s: %d, %s", what, ret, strerror(e));
	CHECK((ret < 0 && e == EINTR) || now() >= seconds(end) - 0.01, "%s: %f s too early", what, seconds(end) - now());
}

static void wait_epoll(void)
{
	int fd = epoll_create1(0), ret;
	struct epoll_event e;

	ret = epoll_wait(fd, &e, 1, WAIT_MS);
	check_result("epoll_wait", ret, ret < 0 ? -1 : 0);
}

static void wait_epoll_masked(void)
{
	int fd = epoll_create1(0), ret;
	struct epoll_event e;
	sigset_t none;

	sigemptyset(&none);
	ret = epoll_pwait(fd, &e, 1, WAIT_MS, &none);
	check_result("epoll_pwait", ret, ret < 0 ? -1 : 0);
}

static void wait_futex(void)
{
	int word = 0;

	check_result("futex", syscall(SYS_futex, &word, FUTEX_WAIT, 0, &for_time, NULL, 0), -1);
}

static void wait_signal(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGRTMAX);
	check_result("sigtimedwait", sigtimedwait(&set, NULL, &for_time), -1);
}

static void wait_receive(void)
{
	struct timeval tv = { WAIT_MS / 1000, WAIT_MS % 1000 * 1000 };
	int fds[2];
	char c;

	MUST(socketpair(AF_UNIX, SOCK_STREAM, 0, fds) == 0);
	MUST(setsockopt(fds[0], SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv)) == 0);
	check_result("recv", recv(fds[0], &c, 1, 0), -1);
}

static void (*const calls[])(void) = { sleep_for,	   sleep_until, wait_select,	   wait_pselect, wait_ppoll,
				       wait_poll,	   wait_condition, wait_semaphore, wait_epoll,	 wait_epoll_masked,
				       wait_futex, wait_signal,	wait_receive };

enum { CALLS = sizeof(calls) / sizeof(calls[0]) };

static void *thread(void *arg)
{
	void (*const *call)(void) = arg;

	(*call)();
	subject_wait_for("go"); /* it is still there when the harness looks */
	return NULL;
}

static void child(void *arg)
{
	thread(arg);
}

int main(int argc, char **argv)
{
	pthread_t threads[CALLS];
	pid_t children[CALLS];

	subject_begin(argc, argv);
	clock_gettime(CLOCK_MONOTONIC, &begin);
	end.tv_sec = begin.tv_sec + for_time.tv_sec + (begin.tv_nsec + for_time.tv_nsec) / 1000000000;
	end.tv_nsec = (begin.tv_nsec + for_time.tv_nsec) % 1000000000;
	for (int i = 0; i < CALLS; i++)
		children[i] = child_fork(child, (void *)&calls[i]);
	for (int i = 0; i < CALLS; i++)
		MUST(pthread_create(&threads[i], NULL, thread, (void *)&calls[i]) == 0);
	subject_nap();

	subject_wait();

	for (int i = 0; i < CALLS; i++)
		pthread_join(threads[i], NULL);
	for (int i = 0; i < CALLS; i++)
		child_end(children[i]);
	return subject_end();
}
