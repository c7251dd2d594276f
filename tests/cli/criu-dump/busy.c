/* tests/cli/criu-dump/busy.c -- a process that does many things at once and notices when something goes
 * wrong.
 *
 * 	busy FILE
 *
 * Threads compute, sleep, talk through pipes and futexes, take signals, wait for children. Each counts
 * what it has done and what was not as it should be, in FILE (struct board), which the test reads while
 * the process is stopped, dumped, let go, over and over. Nobody sends it a signal from outside, so no call
 * may ever return EINTR, and a sleep is never short.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define WORKERS 10

static struct board {
	_Atomic uint64_t done[WORKERS];
	_Atomic uint64_t wrong[WORKERS];
	char what[WORKERS][160]; /* the last thing that was wrong */
} * board;

static void wrong(int me, const char *what)
{
	snprintf(board->what[me], sizeof(board->what[me]), "%s (errno %d)", what, errno);
	board->wrong[me]++;
}

#define EXPECT(me, condition)                                                                                \
	do {                                                                                                 \
		if (!(condition))                                                                            \
			wrong(me, #condition);                                                               \
	} while (0)

static int64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000000000ll + ts.tv_nsec;
}

/* Registers, general and vector: values that must survive a long stretch of user code. */
static void compute(int me)
{
	uint64_t seed = board->done[me] * 0x9e3779b97f4a7c15ull + 1, a, b, c, flags_ok;
	double d[4], want[4];

	for (int i = 0; i < 4; i++)
		want[i] = (double)(seed >> (8 * i));
	__asm__ volatile("movq %4, %%r12\n\t"
			 "movq %4, %%r13\n\t"
			 "notq %%r13\n\t"
			 "movupd (%5), %%xmm6\n\t"
			 "movupd 16(%5), %%xmm15\n\t"
			 "movq $200000, %%rcx\n\t"
			 "stc\n"
			 "1:\tleaq -1(%%rcx), %%rcx\n\t"
			 "jrcxz 2f\n\t"
			 "jc 1b\n"
			 "2:\tsetc %b3\n\t"
			 "movupd %%xmm6, (%6)\n\t"
			 "movupd %%xmm15, 16(%6)\n\t"
			 "movq %%r12, %0\n\t"
			 "movq %%r13, %1\n\t"
			 "movq %%rcx, %2\n\t"
			 : "=&r"(a), "=&r"(b), "=&r"(c), "=&r"(flags_ok)
			 : "r"(seed), "r"(want), "r"(d)
			 : "r12", "r13", "rcx", "xmm6", "xmm15", "cc", "memory");
	EXPECT(me, a == seed && b == ~seed && c == 0 && (flags_ok & 1) == 1);
	EXPECT(me, !memcmp(d, want, sizeof(d)));
}

static void sleep_a_while(int me)
{
	struct timespec ts = { 0, 3000000 };
	int64_t start = now_ns();

	EXPECT(me, nanosleep(&ts, NULL) == 0);
	EXPECT(me, now_ns() - start >= 3000000);
}

static void poll_a_while(int me)
{
	int64_t start = now_ns();

	EXPECT(me, poll(NULL, 0, 4) == 0);
	EXPECT(me, now_ns() - start >= 4000000 - 1000);
}

static int ping[2], pong[2];

static void say_ping(int me)
{
	uint64_t out = board->done[me], in;

	EXPECT(me, write(ping[1], &out, sizeof(out)) == sizeof(out));
	EXPECT(me, read(pong[0], &in, sizeof(in)) == sizeof(in) && in == out + 1);
}

static void say_pong(int me)
{
	uint64_t n;

	EXPECT(me, read(ping[0], &n, sizeof(n)) == sizeof(n));
	n++;
	EXPECT(me, write(pong[1], &n, sizeof(n)) == sizeof(n));
}

/* A wait that nobody ends: the timeout must. */
static void wait_futex(int me)
{
	static uint32_t word;
	struct timespec ts = { 0, 2000000 };
	int64_t start = now_ns();

	EXPECT(me,
		syscall(SYS_futex, &word, FUTEX_WAIT_PRIVATE, 0, &ts, NULL, 0) == -1 && errno == ETIMEDOUT);
	EXPECT(me, now_ns() - start >= 2000000);
}

static _Thread_local volatile int handled;

static void on_signal(int sig, siginfo_t *info, void *context)
{
	char here;
	stack_t ss;

	sigaltstack(NULL, &ss);
	if (info->si_value.sival_int == 77 && (ss.ss_flags & SS_ONSTACK) && &here > (char *)ss.ss_sp)
		handled++;
}

/* A signal to itself, on an alternate stack, with its value; and one that waits until it is let in. */
static void take_signals(int me)
{
	static _Thread_local char *stack;
	siginfo_t info = { .si_code = SI_QUEUE };
	sigset_t block, before, pending;

	if (!stack) {
		stack_t ss = { .ss_size = 65536 };

		ss.ss_sp = stack = malloc(ss.ss_size);
		EXPECT(me, sigaltstack(&ss, NULL) == 0);
	}
	info.si_value.sival_int = 77;
	handled = 0;
	syscall(SYS_rt_tgsigqueueinfo, getpid(), gettid(), SIGUSR1, &info);
	EXPECT(me, handled == 1);

	sigemptyset(&block);
	sigaddset(&block, SIGUSR1);
	pthread_sigmask(SIG_BLOCK, &block, &before);
	EXPECT(me, !sigismember(&before, SIGUSR1));
	syscall(SYS_rt_tgsigqueueinfo, getpid(), gettid(), SIGUSR1, &info);
	sched_yield();
	EXPECT(me, handled == 1);
	sigpending(&pending);
	EXPECT(me, sigismember(&pending, SIGUSR1));
	sigdelset(&before, SIGUSR1);
	EXPECT(me, sigsuspend(&before) == -1 && errno == EINTR);
	EXPECT(me, handled == 2);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
}

static void have_children(int me)
{
	pid_t pid = fork();
	int status;

	if (pid == 0)
		_exit(board->done[me] & 0x7f);
	EXPECT(me, pid > 0);
	EXPECT(me, waitpid(pid, &status, 0) == pid);
	EXPECT(me, WIFEXITED(status) && WEXITSTATUS(status) == (int)(board->done[me] & 0x7f));
}

static void *nothing(void *arg)
{
	return arg;
}

static void have_threads(int me)
{
	pthread_t thread;
	void *got;

	EXPECT(me, pthread_create(&thread, NULL, nothing, (void *)&board) == 0);
	EXPECT(me, pthread_join(thread, &got) == 0 && got == (void *)&board);
}

/* Memory that changes all the time: each word is the sum of those before it. */
static void use_memory(int me)
{
	enum { WORDS = 4096 };
	uint64_t *words = mmap(NULL, WORDS * 8, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0),
		 sum = 1;

	EXPECT(me, words != MAP_FAILED);
	for (int i = 0; i < WORDS; i++) {
		words[i] = sum;
		sum += words[i] * 3;
	}
	sum = 1;
	for (int i = 0; i < WORDS; i++) {
		EXPECT(me, words[i] == sum);
		sum += words[i] * 3;
	}
	EXPECT(me, munmap(words, WORDS * 8) == 0);
}

static void (*const work[WORKERS])(int) = {
	compute,
	sleep_a_while,
	poll_a_while,
	say_ping,
	say_pong,
	wait_futex,
	take_signals,
	have_children,
	have_threads,
	use_memory,
};

static void *worker(void *arg)
{
	int me = (intptr_t)arg;

	for (;;) {
		work[me](me);
		board->done[me]++;
	}
	return NULL;
}

int main(int argc, char **argv)
{
	struct sigaction sa = { .sa_sigaction = on_signal, .sa_flags = SA_SIGINFO | SA_ONSTACK };
	int fd = argc == 2 ? open(argv[1], O_RDWR | O_CREAT, 0666) : -1;
	pthread_t thread;

	if (fd < 0 || ftruncate(fd, sizeof(*board)) < 0 || pipe(ping) < 0 || pipe(pong) < 0)
		return 1;
	board = mmap(NULL, sizeof(*board), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (board == MAP_FAILED)
		return 1;
	sigaction(SIGUSR1, &sa, NULL);
	for (intptr_t i = 0; i < WORKERS; i++)
		if (pthread_create(&thread, NULL, worker, (void *)i))
			return 1;
	for (;;)
		pause();
}
