/* tests/kinds/regs/blocked.c -- calls that were waiting for something, and still do: each returns what it would have. */

#include <linux/futex.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "tests/harness/subject.h"

enum { PIPE_SIZE = 4096 };

static int pipe_read[2], pipe_write[2], pipe_poll[2];
static _Atomic int word;
static pid_t child;
static char fifo[4096];

static void read_pipe(void)
{
	char c = 0;
	ssize_t n = read(pipe_read[0], &c, 1);

	CHECK(n == 1 && c == 'r', "read: %zd, '%c', %s", n, c, strerror(errno));
}

static void write_pipe(void)
{
	ssize_t n = write(pipe_write[1], "w", 1);

	CHECK(n == 1, "write: %zd, %s", n, strerror(errno));
}

static void open_fifo(void)
{
	int fd = open(fifo, O_RDONLY);

	CHECK(fd >= 0, "open: %s", strerror(errno));
	close(fd);
}

static void wait_futex(void)
{
	long ret = syscall(SYS_futex, &word, FUTEX_WAIT_PRIVATE, 0, NULL);

	CHECK(ret == 0, "futex: %s", strerror(errno));
}

static void wait_child(void)
{
	siginfo_t info;
	int ret = waitid(P_PID, child, &info, WEXITED);

	CHECK(ret == 0 && info.si_status == 7, "waitid: %d, exit status %d, %s", ret, info.si_status, strerror(errno));
}

/* The kernel continues this one through restart_syscall(2), whose state cannot be carried: EINTR is allowed. */
static void poll_pipe(void)
{
	struct pollfd p = { .fd = pipe_poll[0], .events = POLLIN };
	int ret = poll(&p, 1, -1);

	CHECK(ret == 1 || (ret == -1 && errno == EINTR), "poll: %d, %s", ret, strerror(errno));
}

static const struct call {
	const char *name;
	int nr;
	void (*run)(void);
} calls[] = {
	{ "read", SYS_read, read_pipe },	 { "write", SYS_write, write_pipe }, { "open", SYS_openat, open_fifo },
	{ "futex", SYS_futex, wait_futex }, { "waitid", SYS_waitid, wait_child }, { "poll", SYS_poll, poll_pipe },
};

enum { CALLS = sizeof(calls) / sizeof(calls[0]) };

static _Atomic pid_t tids[CALLS];

static void *thread(void *arg)
{
	const struct call *call = arg;

	tids[call - calls] = gettid();
	call->run();
	subject_wait_for("go"); /* it is still there when the harness looks */
	return NULL;
}

/* Until the thread is asleep in its call. */
static void wait_blocked(const struct call *call)
{
	char path[64], text[64];
	int fd, nr;

	do {
		subject_nap();
		nr = -1;
		snprintf(path, sizeof(path), "/proc/self/task/%d/syscall", tids[call - calls]);
		fd = open(path, O_RDONLY);
		if (fd < 0)
			continue;
		if (read(fd, text, sizeof(text)) > 0 && text[0] != 'r')
			nr = atoi(text);
		close(fd);
	} while (nr != call->nr);
}

static void fill(int fd)
{
	char page[PIPE_SIZE] = "";

	MUST(fcntl(fd, F_SETPIPE_SZ, PIPE_SIZE) == PIPE_SIZE);
	MUST(write(fd, page, PIPE_SIZE) == PIPE_SIZE);
}

int main(int argc, char **argv)
{
	pthread_t threads[CALLS];
	char page[PIPE_SIZE];
	int fd;

	subject_begin(argc, argv);
	MUST(pipe(pipe_read) == 0 && pipe(pipe_write) == 0 && pipe(pipe_poll) == 0);
	fill(pipe_write[1]);
	subject_path_(fifo, sizeof(fifo), "fifo");
	MUST(mkfifo(fifo, 0600) == 0);
	child = fork();
	MUST(child >= 0);
	if (child == 0) {
		subject_wait_for("exit");
		_exit(7);
	}
	for (int i = 0; i < CALLS; i++) {
		MUST(pthread_create(&threads[i], NULL, thread, (void *)&calls[i]) == 0);
		wait_blocked(&calls[i]);
	}

	subject_wait();

	for (int i = 0; i < CALLS; i++)
		if (calls[i].nr != SYS_poll)
			wait_blocked(&calls[i]);
	word = 1;
	CHECK(syscall(SYS_futex, &word, FUTEX_WAKE_PRIVATE, 1) == 1, "nobody waits on the futex");
	CHECK(write(pipe_read[1], "r", 1) == 1 && write(pipe_poll[1], "p", 1) == 1, "write: %s", strerror(errno));
	CHECK(read(pipe_write[0], page, sizeof(page)) == sizeof(page), "the pipe was not full");
	fd = open(fifo, O_WRONLY | O_NONBLOCK);
	CHECK(fd >= 0, "nobody waits to read the fifo: %s", strerror(errno));
	subject_leave("exit", "");
	for (int i = 0; i < CALLS; i++)
		pthread_join(threads[i], NULL);
	return subject_end();
}
