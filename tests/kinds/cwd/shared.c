/* tests/kinds/cwd/shared.c -- a child that shares working directory, root and umask with its parent (CLONE_FS).
 *
 * harness: peer: refuses this
 */

#include <sys/syscall.h>
#include <sched.h>

#include "tests/harness/family.h"

int main(int argc, char **argv)
{
	char path[4096], want[4096];
	pid_t pid;

	subject_begin(argc, argv);
	subject_path_(want, sizeof(want), "there");
	MUST(mkdir(want, 0755) == 0);
	pid = syscall(SYS_clone, CLONE_FS | SIGCHLD, NULL, NULL, NULL, 0);
	MUST(pid >= 0);
	if (pid == 0) {
		child_up();
		subject_wait_for("go");
		MUST(chdir(want) == 0);
		umask(0123);
		_exit(0);
	}
	child_wait_up(pid);

	subject_wait();

	child_end(pid);
	CHECK(getcwd(path, sizeof(path)) && strcmp(path, want) == 0, "works in %s, the child had gone to %s", path, want);
	CHECK(umask(0) == 0123, "the umask is not the child's");
	return subject_end();
}
