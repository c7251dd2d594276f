/* tests/kinds/file/dead.c -- files of /proc of a process that is gone: a directory, a file in it, the working directory. */

#include <signal.h>
#include <sys/wait.h>

#include "tests/harness/subject.h"

static volatile sig_atomic_t told;

static void note(int sig)
{
	told++;
}

int main(int argc, char **argv)
{
	char path[64], buf[64];
	int dir, file, again;
	pid_t child;

	subject_begin(argc, argv);
	child = fork();
	if (child == 0)
		for (;;)
			pause();
	MUST(child > 0);
	snprintf(path, sizeof(path), "/proc/%d", (int)child);
	dir = open(path, O_RDONLY);
	MUST(chdir(path) == 0);
	file = open("stat", O_RDONLY);
	again = open("status", O_RDONLY);
	MUST(dir >= 0 && file >= 0 && again >= 0);
	kill(child, SIGKILL);
	MUST(waitpid(child, NULL, 0) == child);
	signal(SIGCHLD, note);
	subject_wait();

	CHECK(told == 0, "told of %d children that ended", (int)told);
	CHECK(openat(dir, "stat", O_RDONLY) < 0, "its directory is alive");
	CHECK(read(file, buf, sizeof(buf)) < 0 && errno == ESRCH, "its stat can be read: %s", strerror(errno));
	CHECK(read(again, buf, sizeof(buf)) < 0 && errno == ESRCH, "its status can be read: %s", strerror(errno));
	CHECK(!getcwd(path, sizeof(path)) && errno == ENOENT, "the working directory has a name");
	CHECK(waitpid(-1, NULL, WNOHANG) < 0 && errno == ECHILD, "a child out of nowhere");
	return subject_end();
}
