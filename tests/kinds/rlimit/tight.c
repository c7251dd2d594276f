/* tests/kinds/rlimit/tight.c -- a task that has used up what it may: no new descriptor, process, file, signal or memory.
 *
 * harness: user: 1000
 * harness: peer: needs a descriptor and memory of the task to dump it
 */

#include <stdint.h>
#include <sys/mman.h>
#include <sys/resource.h>

#include "tests/harness/family.h"

enum { FD = 300, SIGNALS = 5 };

static void tighten(int resource, rlim_t soft, rlim_t hard)
{
	MUST(setrlimit(resource, &(struct rlimit){ soft, hard }) == 0);
}

/* Field 1 of /proc/self/statm, in bytes. */
static rlim_t address_space(void)
{
	char text[64] = "";
	int fd = open("/proc/self/statm", O_RDONLY);

	MUST(fd >= 0 && read(fd, text, sizeof(text) - 1) > 0);
	close(fd);
	return strtoul(text, NULL, 10) * 4096;
}

static void child(void *arg)
{
	sigset_t set;
	void *more;

	MUST(dup2(0, FD) == FD);
	sigfillset(&set);
	sigprocmask(SIG_BLOCK, &set, NULL);
	for (int i = 0; i < SIGNALS; i++)
		MUST(sigqueue(getpid(), SIGRTMIN, (union sigval){ .sival_int = i }) == 0);
	child_up();
	tighten(RLIMIT_NPROC, 0, 0);
	tighten(RLIMIT_FSIZE, 0, RLIM_INFINITY);
	tighten(RLIMIT_SIGPENDING, 1, SIGNALS);
	tighten(RLIMIT_STACK, 65536, RLIM_INFINITY);
	tighten(RLIMIT_MEMLOCK, 0, 0);
	tighten(RLIMIT_DATA, 4096, RLIM_INFINITY);
	tighten(RLIMIT_AS, address_space(), RLIM_INFINITY);
	tighten(RLIMIT_NOFILE, 1, 10); /* the last one: main() waits for it */

	subject_wait_for("go");

	more = mmap(NULL, 1 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	CHECK(more == MAP_FAILED, "it may map memory");
	CHECK(dup(0) < 0 && errno == EMFILE, "it may open a descriptor");
	/* From here on it may say what is wrong. */
	tighten(RLIMIT_FSIZE, RLIM_INFINITY, RLIM_INFINITY);
	tighten(RLIMIT_NOFILE, 10, 10);
	for (int i = 0; i < SIGNALS; i++) {
		siginfo_t info = { 0 };
		int ret = sigtimedwait(&set, &info, &(struct timespec){ 0, 0 });

		CHECK(ret == SIGRTMIN && info.si_value.sival_int == i, "signal %d: %d, value %d", i, ret, info.si_value.sival_int);
	}
	CHECK(fcntl(FD, F_GETFD) >= 0, "descriptor %d, above the limit, is gone", FD);
	if (more != MAP_FAILED)
		_exit(1);
}

int main(int argc, char **argv)
{
	struct rlimit now;
	pid_t pid;

	subject_begin(argc, argv);
	pid = child_start(child, NULL);
	do {
		subject_nap();
		MUST(prlimit(pid, RLIMIT_NOFILE, NULL, &now) == 0);
	} while (now.rlim_cur != 1);

	subject_wait();

	child_end(pid);
	return subject_end();
}
