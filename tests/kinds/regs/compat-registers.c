/* tests/kinds/regs/compat-registers.c -- what 32-bit code has in registers: general ones, segments and what they lead to, x87 and SSE; and the
 * vdso's functions.
 */

#ifdef __LP64__
#include "tests/kinds/regs/compat.h"
#else

#include <dlfcn.h>
#include <pthread.h>
#include <signal.h>
#include <sys/auxv.h>
#include <sys/syscall.h>

#include "tests/harness/subject.h"

enum { THREADS = 3 };

static __thread int mine;
static pthread_barrier_t up;

static volatile int got_plain, got_value, on_stack;
static char stack[65536];

static void plain(int sig)
{
	got_plain = sig;
}

static void with_info(int sig, siginfo_t *info, void *context)
{
	char here;

	got_value = info->si_value.sival_int;
	on_stack = &here > stack && &here < stack + sizeof(stack);
}

static void set_handlers(void)
{
	struct sigaction sa = { .sa_sigaction = with_info, .sa_flags = SA_SIGINFO | SA_ONSTACK };
	stack_t st = { .ss_sp = stack, .ss_size = sizeof(stack) };

	sigaddset(&sa.sa_mask, SIGRTMAX);
	MUST(sigaltstack(&st, NULL) == 0 && sigaction(SIGUSR1, &sa, NULL) == 0);
	sa.sa_flags = 0;
	sa.sa_handler = plain;
	MUST(sigaction(SIGUSR2, &sa, NULL) == 0);
}

static void check_handlers(void)
{
	union sigval value = { .sival_int = 77 };
	struct sigaction sa;

	CHECK(sigaction(SIGUSR1, NULL, &sa) == 0 && sa.sa_sigaction == with_info && sigismember(&sa.sa_mask, SIGRTMAX) == 1,
	      "the handler is %p", (void *)sa.sa_sigaction);
	raise(SIGUSR2);
	CHECK(got_plain == SIGUSR2, "no SIGUSR2 has come");
	sigqueue(getpid(), SIGUSR1, value);
	CHECK(got_value == 77, "SIGUSR1 came with %d", got_value);
	CHECK(on_stack, "the handler does not run on its stack");
}

static unsigned segment_gs(void)
{
	unsigned gs;

	__asm__ volatile("mov %%gs, %0" : "=r"(gs));
	return gs;
}

/* A call that is interrupted, with values of ours in all registers that it leaves alone. */
static int wait_with_registers(int seed)
{
	static const struct timespec nap = { 0, 20 * 1000 * 1000 };
	int bad = 0, ret, si = seed * 3, bp_kept;
	long double x = seed + 0.25L, y;
	float s = seed + 0.5f;

	while (access("go", F_OK) < 0) {
		__asm__ volatile("fldt %4\n\t"
				 "movss %5, %%xmm5\n\t"
				 "push %%ebp\n\t"
				 "mov $0x12345678, %%ebp\n\t"
				 "int $0x80\n\t"
				 "mov %%ebp, %1\n\t"
				 "pop %%ebp\n\t"
				 "fstpt %3\n\t"
				 "movss %%xmm5, %2"
				 : "=a"(ret), "=&d"(bp_kept), "=m"(s), "=m"(y)
				 : "m"(x), "m"(s), "a"(SYS_nanosleep), "b"(&nap), "c"(0), "S"(si)
				 : "memory", "edi");
		bad |= (ret && ret != -EINTR) || bp_kept != 0x12345678 || y != x || s != seed + 0.5f;
	}
	return bad;
}

static void *thread(void *arg)
{
	int seed = (int)(long)arg;
	unsigned gs = segment_gs();

	mine = seed;
	pthread_barrier_wait(&up);
	CHECK(!wait_with_registers(seed), "thread %d: a register has changed", seed);
	CHECK(mine == seed, "thread %d: its variable is %d", seed, mine);
	CHECK(segment_gs() == gs, "thread %d: gs is %#x, not %#x", seed, segment_gs(), gs);
	return NULL;
}

int main(int argc, char **argv)
{
	unsigned long sysinfo = getauxval(AT_SYSINFO), vdso = getauxval(AT_SYSINFO_EHDR);
	pthread_t threads[THREADS];
	struct timespec before, after;

	subject_begin(argc, argv);
	MUST(chdir(argv[1]) == 0);
	set_handlers();
	clock_gettime(CLOCK_REALTIME, &before);
	MUST(pthread_barrier_init(&up, NULL, THREADS + 1) == 0);
	for (long i = 0; i < THREADS; i++)
		MUST(pthread_create(&threads[i], NULL, thread, (void *)(i + 1)) == 0);
	pthread_barrier_wait(&up);

	subject_wait();

	check_handlers();
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	clock_gettime(CLOCK_REALTIME, &after);
	CHECK(after.tv_sec >= before.tv_sec && after.tv_sec < before.tv_sec + 1000, "the clock says %ld", (long)after.tv_sec);
	CHECK(getauxval(AT_SYSINFO) == sysinfo && getauxval(AT_SYSINFO_EHDR) == vdso, "the vdso is elsewhere");
	CHECK(memcmp((void *)vdso, "\177ELF", 4) == 0, "no vdso at %#lx", vdso);
	return subject_end();
}
#endif
