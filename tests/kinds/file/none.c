/* tests/kinds/file/none.c -- a process without a single descriptor, and one that has only a high one. */

#include <sys/wait.h>

#include "tests/harness/subject.h"

static int nr_open(void)
{
	int nr = 0;

	for (int i = 0; i < 2000; i++)
		nr += fcntl(i, F_GETFD) >= 0;
	return nr;
}

static void child(int keep, const char *name)
{
	for (int i = 0; i < 2000; i++)
		if (i != keep)
			close(i);
	subject_leave(name, "");
	subject_wait_for("go");
	_exit(nr_open() != (keep > 0) || (keep > 0 && fcntl(keep, F_GETFD) != 0));
}

int main(int argc, char **argv)
{
	int status;

	subject_begin(argc, argv);
	MUST(dup2(0, 999) == 999);
	if (fork() == 0)
		child(-1, "one");
	if (fork() == 0)
		child(999, "two");
	subject_wait_for("one");
	subject_wait_for("two");
	subject_wait();
	for (int i = 0; i < 2; i++) {
		if (wait(&status) > 0)
			CHECK(status == 0, "a child has other descriptors than before");
	}
	return subject_end();
}
