/* tests/kinds/cwd/cwd.c -- working directory and umask of several tasks. */

#include "tests/harness/family.h"

static void check_place(const char *want, mode_t mask)
{
	char path[4096];

	CHECK(getcwd(path, sizeof(path)) && strcmp(path, want) == 0, "works in %s, not %s", path, want);
	CHECK(umask(0) == mask, "the umask is not %#o", mask);
}

static void child(void *arg)
{
	char path[4096];

	subject_path_(path, sizeof(path), "below");
	MUST(chdir(path) == 0);
	umask(0777);
	child_up();
	subject_wait_for("go");
	check_place(path, 0777);
	CHECK(access("../below", F_OK) == 0, "its parent directory: %s", strerror(errno));
}

int main(int argc, char **argv)
{
	pid_t pid;

	subject_begin(argc, argv);
	MUST(mkdir("below", 0755) == 0);
	umask(0);
	MUST(chdir("/") == 0);
	pid = child_start(child, NULL);
	umask(027);

	subject_wait();

	check_place("/", 027);
	child_end(pid);
	return subject_end();
}
