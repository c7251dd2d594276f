/* tests/kinds/seccomp/strict.c -- a task that may read, write and exit, and is killed for anything else. */

#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include "tests/harness/family.h"

static int in[2], out[2];

static void child(void *arg)
{
	char c;

	child_up();
	prctl(PR_SET_SECCOMP, SECCOMP_MODE_STRICT);
	while (read(in[0], &c, 1) == 1 && c != 'q') {
		c++;
		if (write(out[1], &c, 1) != 1)
			break;
	}
	syscall(SYS_exit, 0);
}

static char ask(char c)
{
	char answer = 0;

	if (write(in[1], &c, 1) != 1 || read(out[0], &answer, 1) != 1)
		return 0;
	return answer;
}

int main(int argc, char **argv)
{
	pid_t pid;

	subject_begin(argc, argv);
	MUST(pipe(in) == 0 && pipe(out) == 0);
	pid = child_start(child, NULL);
	close(out[1]); /* so that its death is seen */
	MUST(ask('a') == 'b');

	subject_wait();

	CHECK(ask('x') == 'y', "it does not answer");
	CHECK(write(in[1], "q", 1) == 1, "it is gone: %s", strerror(errno));
	child_end(pid);
	return subject_end();
}
