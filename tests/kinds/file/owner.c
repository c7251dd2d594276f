/* tests/kinds/file/owner.c -- who is told of what happens to a descriptor: F_SETOWN_EX, F_SETSIG, O_ASYNC. */

#include <signal.h>
#include <sys/prctl.h>

#include "tests/harness/subject.h"

static volatile sig_atomic_t told, of;

static void note(int sig, siginfo_t *info, void *ctx)
{
	told++;
	of = info->si_fd;
}

int main(int argc, char **argv)
{
	struct sigaction sa = { .sa_sigaction = note, .sa_flags = SA_SIGINFO };
	struct f_owner_ex owner = { F_OWNER_PID, getpid() }, group = { F_OWNER_PGRP, getpgrp() }, none = { 0, 0 }, got;
	uid_t uids[2] = { 99, 99 };
	int async[2], plain[2];

	subject_begin(argc, argv);
	MUST(sigaction(SIGUSR2, &sa, NULL) == 0);
	MUST(pipe(async) == 0 && pipe(plain) == 0);
	MUST(setresuid(1234, 1234, 0) == 0 && fcntl(async[0], F_SETOWN_EX, &owner) == 0 && setresuid(0, 0, 0) == 0);
	MUST(prctl(PR_SET_DUMPABLE, 1) == 0);
	MUST(fcntl(async[0], F_SETSIG, SIGUSR2) == 0);
	MUST(fcntl(async[0], F_SETFL, O_ASYNC) == 0);
	MUST(fcntl(plain[0], F_SETOWN_EX, &group) == 0);
	subject_wait();

	CHECK(fcntl(async[0], F_GETSIG) == SIGUSR2, "the signal is %d", fcntl(async[0], F_GETSIG));
	CHECK(fcntl(async[0], F_GETOWN_EX, &got) == 0 && got.type == F_OWNER_PID && got.pid == getpid(), "the owner is %d %d",
		(int)got.type, (int)got.pid);
	CHECK(fcntl(async[0], 17 /* F_GETOWNER_UIDS */, uids) == 0 && uids[0] == 1234 && uids[1] == 1234, "set by uid %u, %u",
		uids[0], uids[1]);
	CHECK(fcntl(plain[0], F_GETOWN_EX, &got) == 0 && got.type == F_OWNER_PGRP && got.pid == getpgrp(), "the owner is %d %d",
		(int)got.type, (int)got.pid);
	CHECK(fcntl(plain[1], F_GETOWN_EX, &got) == 0 && got.pid == none.pid, "an owner out of nowhere: %d", (int)got.pid);
	/* uid 1234 may not signal root's task: nothing comes. As root it does. */
	CHECK(write(async[1], "x", 1) == 1 && told == 0, "a signal from somebody who may not");
	CHECK(fcntl(async[0], F_SETOWN_EX, &owner) == 0 && write(async[1], "x", 1) == 1, "%s", strerror(errno));
	for (int i = 0; i < 200 && !told; i++)
		subject_nap();
	CHECK(told == 1 && of == async[0], "told %d times, of fd %d", (int)told, (int)of);
	return subject_end();
}
