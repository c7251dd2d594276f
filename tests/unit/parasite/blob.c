/* tests/unit/parasite/blob.c -- calls made inside a task: their results, and that the task goes on as if
 * nothing had been, also when the tracer dies at any step of the way.
 *
 * The tracer is a child that ends itself after a given number of steps; what makes calls is compiled in here with a counter behind
 * everything it does to the task.
 */

#include <elf.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "kernel/maps.h"
#include "kernel/ptrace.h"
#include "parasite/host/run.h"

#include "parasite/host/inject.c"

static int steps, last_step;

static void step(void)
{
	if (++steps == last_step)
		_exit(99);
}

#define after(call)                                                                                          \
	({                                                                                                   \
		int r_ = call;                                                                               \
		step();                                                                                      \
		r_;                                                                                          \
	})
#define arch_thread_set(...)	     after((arch_thread_set)(__VA_ARGS__))
#define kern_ptrace_set_sigmask(...) after((kern_ptrace_set_sigmask)(__VA_ARGS__))
#define run_resume(...)		     after((run_resume)(__VA_ARGS__))
#define kern_vm_write(...)	     after((kern_vm_write)(__VA_ARGS__))
#define run_wait(...)		     after((run_wait)(__VA_ARGS__))
#define kern_ptrace_interrupt(...)   after((kern_ptrace_interrupt)(__VA_ARGS__))
#include "parasite/host/blob.c"
#include "parasite/host/step.c"
#include "parasite/host/way-back.c"
#include "parasite/host/limits.c"

enum {
	SECOND = 1000000,
	NAP = 100000,  /* microseconds */
	AT_A_TIME = 8,
	TOO_LATE = 77, /* the machine is busy: the task has ended before */
};

/* ---- the task: what must not change is checked by itself ---- */

static volatile int handled;

static void handler(int sig)
{
	handled++;
}

static int64_t now_us(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000000ll + ts.tv_nsec / 1000;
}

/* A sleep goes on for the time that is left, and does not say EINTR. */
static int sleeper(void)
{
	struct timespec ts = { 0, NAP * 1000 };
	int64_t start = now_us(), took;

	if (nanosleep(&ts, NULL) < 0)
		return errno;
	took = now_us() - start;
	return took < NAP ? 3 : took > NAP + SECOND ? 4 : 0;
}

/* Registers of all kinds. */
static int computer(void)
{
	double x = 1.5, again_x = 1.5;
	uint64_t a = 12345, again_a = 12345, n = 0;
	int64_t start = now_us();

	while (now_us() - start < NAP)
		for (int i = 0; i < 1000; i++, n++) {
			x = x * 1.0000001 + 2.25;
			a = a * 6364136223846793005ull + 1442695040888963407ull;
		}
	for (; n; n--) {
		again_x = again_x * 1.0000001 + 2.25;
		again_a = again_a * 6364136223846793005ull + 1442695040888963407ull;
	}
	return x == again_x && a == again_a ? 0 : 5;
}

static int task(int (*work)(void))
{
	sigset_t mask;
	int ret;

	prctl(PR_SET_PTRACER, PR_SET_PTRACER_ANY);
	signal(SIGUSR1, handler);
	sigemptyset(&mask);
	sigaddset(&mask, SIGUSR2);
	sigprocmask(SIG_SETMASK, &mask, NULL);
	ret = work();
	if (ret)
		return ret;
	sigprocmask(SIG_SETMASK, NULL, &mask);
	if (!sigismember(&mask, SIGUSR2) || sigismember(&mask, SIGUSR1) || sigismember(&mask, SIGTERM))
		return 6;
	raise(SIGUSR1);
	return handled == 1 ? 0 : 7;
}

/* ---- the tracer ---- */

static int find_code(pid_t pid, struct inject_space *s, struct img_err *err)
{
	struct kern_maps maps = KERN_MAPS_INIT;
	uint64_t *const places[] = {
		[INJECT_CODE_CALL] = &s->syscall_addr,
		[INJECT_CODE_RETURN] = &s->return_addr,
		[INJECT_CODE_SIGRETURN] = &s->sigreturn_addr,
	};

	if (kern_maps_read(pid, false, &maps, err) < 0)
		return -1;
	for (size_t i = 0; i < maps.nr; i++)
		for (size_t k = 0; k < ARRAY_SIZE(places); k++)
			if (maps.vmas[i].prot & PROT_EXEC && strcmp(maps.vmas[i].name, "[vsyscall]") && !*places[k])
				inject_find(pid, k, maps.vmas[i].start, maps.vmas[i].end, places[k], NULL);
	kern_maps_free(&maps);
	for (size_t k = 0; k < ARRAY_SIZE(places); k++)
		if (!*places[k])
			return img_fail(err, IMG_SYS, "no code of kind %zu", k);
	return 0;
}

static int ask(struct inject_space *s, struct inject_thread *th, struct img_err *err)
{
	const char word[] = "in and out";
	char out[sizeof(word)] = "";
	long parent = 0, bad = 0, fd = -1, put = 0, got = 0;
	struct inject_batch *b = inject_batch_new(), *c = inject_batch_new();
	int ret = -1;

	inject_call(b, &parent, SYS_getppid, inj_val(0));
	inject_call(b, &bad, SYS_close, inj_val(12345));
	inject_call(b, &fd, SYS_memfd_create, inj_in("x", 2), inj_val(0));
	if (inject_run(s, th, b, err) < 0)
		goto out;
	if (parent != getppid() || bad != -EBADF || fd < 0) {
		img_fail(err, IMG_SYS, "results: %ld %ld %ld", parent, bad, fd);
		goto out;
	}
	inject_call(c, &put, SYS_pwrite64, inj_val(fd), inj_in(word, sizeof(word)), inj_val(sizeof(word)),
		inj_val(0));
	inject_call(c, &got, SYS_pread64, inj_val(fd), inj_out(out, sizeof(out)), inj_val(sizeof(word)),
		inj_val(0));
	inject_call(c, NULL, SYS_close, inj_val(fd));
	ret = inject_run(s, th, c, err);
	if (ret == 0 && (put != sizeof(word) || got != sizeof(word) || strcmp(out, word)))
		ret = img_fail(err, IMG_SYS, "results: %ld %ld \"%s\"", put, got, out);
out:
	inject_batch_free(b);
	inject_batch_free(c);
	return ret;
}

/* Ends with 0, 99 (on the way), or 1 and a message. last: the step after which it ends, 0: it does not. quiet: make calls with the blob, else from stop to
 * stop. */
static int tracer(pid_t pid, int last, int quiet)
{
	struct img_err err = IMG_ERR_INIT;
	struct inject_space s = { 0 };
	struct arch_regs regs;
	struct inject_thread th = { .pid = pid, .tid = pid, .regs = &regs, .quiet_signo = quiet };
	struct kern_seizer *seizer;
	struct kern_stop stop;
	sigset_t chld;

	sigemptyset(&chld);
	sigaddset(&chld, SIGCHLD);
	sigprocmask(SIG_BLOCK, &chld, NULL);
	seizer = kern_seizer_new(&err);
	if (!seizer)
		goto bad;
	if (kern_ptrace_seize(seizer, pid, 0, &err) < 0)
		return TOO_LATE;
	if (kern_ptrace_interrupt(pid, &err) < 0 || kern_wait_stop(pid, 5000, &stop, &err) != 1 ||
		find_code(pid, &s, &err) < 0 ||
		kern_ptrace_get_regset(pid, NT_PRSTATUS, &regs, sizeof(regs), &err) < 0 ||
		kern_ptrace_get_sigmask(pid, &th.sigmask, &err) < 0)
		goto bad;
	steps = 0;
	last_step = last;
	if (ask(&s, &th, &err) < 0 || inject_leave(&s, &th, &err) < 0)
		goto bad;
	last_step = 0;
	if (kern_ptrace_resume(pid, PTRACE_DETACH, 0, &err) < 0)
		goto bad;
	return 0;
bad:
	printf("# tracer: %s\n", err.text);
	return 1;
}

enum how { LATE, WHOLE, DIED, BAD };

static const int faults[] = { SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGTRAP, SIGSYS };

static enum how try_round(int (*work)(void), int last, int quiet)
{
	pid_t pid = fork(), other;
	int status = 0, ended = 0;

	if (pid == 0) {
		/* Without the handlers of the tests' own. */
		for (size_t i = 0; i < ARRAY_SIZE(faults); i++)
			signal(faults[i], SIG_DFL);
		_exit(task(work));
	}
	usleep(NAP / 4);
	other = fork();
	if (other == 0)
		_exit(tracer(pid, last, quiet));
	if (waitpid(other, &ended, 0) != other || waitpid(pid, &status, 0) != pid)
		return BAD;
	if (status || !WIFEXITED(ended)) {
		printf("# step %d, signal %d: the task ended with status %#x\n", last, quiet, status);
		return BAD;
	}
	ended = WEXITSTATUS(ended);
	return ended == TOO_LATE ? LATE : ended == 0 ? WHOLE : ended == 99 && last ? DIED : BAD;
}

static enum how round_with(int (*work)(void), int last, int quiet)
{
	enum how how = LATE;

	for (int i = 0; i < 20 && how == LATE; i++)
		how = try_round(work, last, quiet);
	return how;
}

static void whole_with(int (*work)(void), int quiet)
{
	assert_int_equal(round_with(work, 0, quiet), WHOLE);
}

static void by_blob(void **state)
{
	whole_with(sleeper, SIGURG);
	whole_with(computer, SIGURG);
}

static void from_stop_to_stop(void **state)
{
	whole_with(sleeper, 0);
	whole_with(computer, 0);
}

/* After each step there is, until there are no more: some at a time, each in a process. */
static void dies_with(int (*work)(void), int quiet)
{
	enum how how = DIED;
	int last = 0;

	while (how == DIED) {
		pid_t pids[AT_A_TIME];

		for (int i = 0; i < AT_A_TIME; i++) {
			pids[i] = fork();
			if (pids[i] == 0)
				_exit(round_with(work, last + 1 + i, quiet));
		}
		for (int i = 0; i < AT_A_TIME; i++) {
			int status;

			assert_int_equal(waitpid(pids[i], &status, 0), pids[i]);
			assert_true(WIFEXITED(status));
			how = WEXITSTATUS(status);
			assert_true(how == DIED || how == WHOLE);
		}
		last += AT_A_TIME;
	}
	assert_true(last > 20);
}

static void tracer_dies(void **state)
{
	dies_with(sleeper, SIGURG);
	dies_with(computer, SIGURG);
}

static void tracer_dies_between_stops(void **state)
{
	dies_with(sleeper, 0);
	dies_with(computer, 0);
}

/* Memory that is written and executed is refused: the calls are made all the same. */
static int careful(void)
{
	if (prctl(65 /* PR_SET_MDWE */, 1 /* PR_MDWE_REFUSE_EXEC_GAIN */, 0, 0, 0) < 0)
		return 0;
	return sleeper();
}

static void without_executable_memory(void **state)
{
	whole_with(careful, SIGURG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(by_blob),
		cmocka_unit_test(from_stop_to_stop),
		cmocka_unit_test(tracer_dies),
		cmocka_unit_test(tracer_dies_between_stops),
		cmocka_unit_test(without_executable_memory),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	setvbuf(stdout, NULL, _IOLBF, 0);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
