/* tests/kinds/cwd/root.c -- a task in another root directory, with its working directory below it. */

#include "tests/harness/family.h"

static volatile sig_atomic_t go;

static void handler(int nr)
{
	go = 1;
}

/* In the jail there is no way to leave files for the others: it says what is wrong by its exit status. */
static void child(void *arg)
{
	char path[4096];

	signal(SIGUSR1, handler);
	child_up();
	MUST(chroot("jail") == 0);
	MUST(chdir("/inside/deep") == 0);
	while (!go)
		subject_nap();
	if (!getcwd(path, sizeof(path)) || strcmp(path, "/inside/deep") != 0)
		_exit(1);
	if (access("/inside/deep", F_OK) < 0 || access("/jail", F_OK) == 0)
		_exit(2);
}

int main(int argc, char **argv)
{
	pid_t pid;

	subject_begin(argc, argv);
	MUST(mkdir("jail", 0755) == 0 && mkdir("jail/inside", 0755) == 0 && mkdir("jail/inside/deep", 0755) == 0);
	pid = child_start(child, NULL);
	subject_nap();

	subject_wait();

	MUST(kill(pid, SIGUSR1) == 0);
	child_end(pid);
	return subject_end();
}
