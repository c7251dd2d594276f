/* tests/bench/writer.c -- memory that is written: writer DIR MEGABYTES PAGES_PER_SECOND
 *
 * Writes to its pages at random, so many a second (0: as fast as it can; -1: none), and measures the longest time between two turns of
 * its loop: for so long it could not run. SIGUSR1: start to measure anew. SIGUSR2: leave it, in microseconds, in DIR/gap. SIGHUP: write
 * to 1% of the pages at once, and leave DIR/touched.
 */
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/mman.h>
#include <time.h>

#include "tests/harness/subject.h"

static volatile sig_atomic_t anew, tell, touch;

static void on_signal(int sig)
{
	if (sig == SIGUSR1)
		anew = 1;
	else if (sig == SIGUSR2)
		tell = 1;
	else
		touch = 1;
}

static uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000000000ull + ts.tv_nsec;
}

static uint64_t chance(uint64_t *x)
{
	*x ^= *x << 13;
	*x ^= *x >> 7;
	*x ^= *x << 17;
	return *x;
}

int main(int argc, char **argv)
{
	struct sigaction sa = { .sa_handler = on_signal, .sa_flags = SA_RESTART };
	uint64_t x = 88172645463325252ull, nr, *mem, gap = 0, last;
	long rate;
	char text[64];

	subject_begin(argc, argv);
	if (argc < 4)
		return 2;
	nr = strtoul(argv[2], NULL, 10) << 8;
	rate = strtol(argv[3], NULL, 10);
	mem = mmap(NULL, nr * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	MUST(mem != MAP_FAILED);
	for (uint64_t i = 0; i < nr * 512; i++)
		mem[i] = chance(&x);
	sigaction(SIGUSR1, &sa, NULL);
	sigaction(SIGUSR2, &sa, NULL);
	sigaction(SIGHUP, &sa, NULL);
	subject_leave("ready", "");
	for (last = now_ns();;) {
		uint64_t now;

		if (rate < 0)
			nanosleep(&(struct timespec){ 0, 200000 }, NULL);
		else if (rate > 0)
			nanosleep(&(struct timespec){ 0, 1000000 }, NULL);
		for (long i = rate > 0 ? rate / 1000 : rate < 0 ? 0 : 16; i > 0; i--)
			mem[chance(&x) % nr * 512 + 7] = x;
		now = now_ns();
		if (now - last > gap)
			gap = now - last;
		last = now;
		if (anew) {
			anew = 0;
			gap = 0;
		}
		if (tell) {
			tell = 0;
			snprintf(text, sizeof(text), "%llu", (unsigned long long)gap / 1000);
			subject_leave("gap", text);
		}
		if (touch) {
			touch = 0;
			for (uint64_t i = 0; i < nr / 100; i++)
				mem[chance(&x) % nr * 512 + 8] = x;
			subject_leave("touched", "");
			last = now_ns();
		}
	}
}
