/* tests/kinds/signalfd/pending.c -- a signalfd with signals waiting, another for the same signal, one for none. */

#include <signal.h>
#include <sys/signalfd.h>

#include "tests/harness/subject.h"

int main(int argc, char **argv)
{
	struct signalfd_siginfo info = { 0 };
	union sigval value = { .sival_int = 42 };
	sigset_t set, empty;
	int fd, twin, none;

	subject_begin(argc, argv);
	sigemptyset(&empty);
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigaddset(&set, SIGRTMIN + 3);
	MUST(sigprocmask(SIG_BLOCK, &set, NULL) == 0);
	fd = signalfd(-1, &set, SFD_NONBLOCK);
	twin = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	none = signalfd(-1, &empty, SFD_NONBLOCK);
	MUST(fd >= 0 && twin >= 0 && none >= 0);
	MUST(kill(getpid(), SIGUSR1) == 0 && sigqueue(getpid(), SIGRTMIN + 3, value) == 0);

	subject_wait();

	CHECK(read(none, &info, sizeof(info)) < 0 && errno == EAGAIN, "the empty one has a signal");
	CHECK(read(fd, &info, sizeof(info)) == sizeof(info) && info.ssi_signo == SIGUSR1 && info.ssi_pid == (uint32_t)getpid(),
		"first is signal %u of %u", info.ssi_signo, info.ssi_pid);
	CHECK(read(twin, &info, sizeof(info)) == sizeof(info) && info.ssi_signo == (uint32_t)(SIGRTMIN + 3) && info.ssi_int == 42,
		"second is signal %u with %d", info.ssi_signo, info.ssi_int);
	CHECK(read(fd, &info, sizeof(info)) < 0 && errno == EAGAIN, "there are more");
	return subject_end();
}
