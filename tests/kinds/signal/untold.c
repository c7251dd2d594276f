/* tests/kinds/signal/untold.c -- a child that stopped, and whose parent has not asked yet: by which signal it did is told later. */

#include "tests/harness/family.h"

static void child(void *arg)
{
	setpgid(0, 0);
	child_up();
	raise(SIGTSTP);
}

int main(int argc, char **argv)
{
	siginfo_t info = { 0 };
	pid_t pid;

	subject_begin(argc, argv);
	pid = child_start(child, NULL);
	MUST(waitid(P_PID, pid, &info, WSTOPPED | WNOWAIT) == 0 && info.si_status == SIGTSTP);

	subject_wait();

	info = (siginfo_t){ 0 };
	CHECK(waitid(P_PID, pid, &info, WSTOPPED | WNOHANG) == 0 && info.si_pid == pid, "the stop is not told any more");
	CHECK(info.si_status == SIGTSTP, "it was stopped by signal %d", info.si_status);
	MUST(kill(pid, SIGCONT) == 0);
	child_end(pid);
	return subject_end();
}
