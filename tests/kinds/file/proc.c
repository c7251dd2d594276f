/* tests/kinds/file/proc.c -- files of /proc/PID, of itself and of a child, in the middle and at the start. */

#include <signal.h>
#include <sys/wait.h>

#include "tests/harness/subject.h"

int main(int argc, char **argv)
{
	char path[64], buf[200] = "", want[64];
	int own, dir, of_child, mem;
	pid_t child;

	subject_begin(argc, argv);
	child = fork();
	if (child == 0)
		for (;;)
			pause();
	MUST(child > 0);
	own = open("/proc/self/stat", O_RDONLY);
	dir = open("/proc/self", O_RDONLY);
	snprintf(path, sizeof(path), "/proc/%d/stat", (int)child);
	of_child = open(path, O_RDONLY);
	mem = open("/proc/self/mem", O_RDONLY);
	MUST(own >= 0 && dir >= 0 && of_child >= 0 && mem >= 0);
	MUST(lseek(mem, (off_t)path, SEEK_SET) == (off_t)path);
	subject_wait();

	snprintf(want, sizeof(want), "%d (", (int)getpid());
	CHECK(read(own, buf, sizeof(buf) - 1) > 0 && !strncmp(buf, want, strlen(want)), "own stat: '%.20s'", buf);
	CHECK(faccessat(dir, "maps", R_OK, 0) == 0, "/proc/self");
	snprintf(want, sizeof(want), "%d (", (int)child);
	CHECK(read(of_child, buf, sizeof(buf) - 1) > 0 && !strncmp(buf, want, strlen(want)), "the child's stat: '%.20s'", buf);
	CHECK(read(mem, buf, 6) == 6 && !memcmp(buf, "/proc/", 6), "its own memory");
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
	return subject_end();
}
