/* tests/kinds/pidfd/pidfds.c -- pidfds of oneself, of a child, of a child that is gone: twice, and of another that is gone. */

#include <poll.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "tests/harness/subject.h"

static int pidfd_of(pid_t pid, unsigned flags)
{
	return (int)syscall(SYS_pidfd_open, pid, flags);
}

static pid_t child(void)
{
	pid_t pid = fork();

	MUST(pid >= 0);
	if (pid == 0)
		for (;;)
			pause();
	return pid;
}

static int pidfd_kill(int fd, int sig)
{
	return (int)syscall(SYS_pidfd_send_signal, fd, sig, NULL, 0);
}

static ino_t inode(int fd)
{
	struct stat st;

	MUST(fstat(fd, &st) == 0);
	return st.st_ino;
}

int main(int argc, char **argv)
{
	int self, of_living, gone[2], other;
	struct pollfd wait_for;
	pid_t living, dead;

	subject_begin(argc, argv);
	self = pidfd_of(getpid(), 0);
	living = child();
	of_living = pidfd_of(living, O_NONBLOCK);
	dead = child();
	gone[0] = pidfd_of(dead, 0);
	gone[1] = pidfd_of(dead, 0);
	MUST(kill(dead, SIGKILL) == 0 && waitpid(dead, NULL, 0) == dead);
	dead = child();
	other = pidfd_of(dead, 0);
	MUST(kill(dead, SIGKILL) == 0 && waitpid(dead, NULL, 0) == dead);
	MUST(self >= 0 && of_living >= 0 && gone[0] >= 0 && gone[1] >= 0 && other >= 0);

	subject_wait();

	CHECK(pidfd_kill(self, 0) == 0, "its own: %s", strerror(errno));
	CHECK(pidfd_kill(gone[0], 0) < 0 && errno == ESRCH, "the dead one takes signals");
	CHECK(pidfd_kill(other, 0) < 0 && errno == ESRCH, "the other dead one takes signals");
	CHECK(inode(gone[0]) == inode(gone[1]), "two of one process are of two now");
	CHECK(inode(gone[0]) != inode(other), "two processes are one now");
	CHECK(fcntl(of_living, F_GETFL) & O_NONBLOCK, "the flags are %#x", fcntl(of_living, F_GETFL));
	CHECK(pidfd_kill(of_living, SIGKILL) == 0, "the living one: %s", strerror(errno));
	wait_for = (struct pollfd){ .fd = of_living, .events = POLLIN };
	CHECK(poll(&wait_for, 1, 5000) == 1, "the living one does not end");
	CHECK(waitpid(living, NULL, 0) == living, "it is no child any more");
	return subject_end();
}
