/* tests/kinds/seccomp/filter.c -- a task under several seccomp filters, one of them put over another; its child inherits them and adds its
 * own. */

#include "tests/harness/family.h"
#include "tests/kinds/seccomp/filters.h"

static void child(void *arg)
{
	MUST(filter_call(SYS_getgid, 125, 0) == 0);
	child_up();
	subject_wait_for("go");
	CHECK(filtered(SYS_getppid, 123) && filtered(SYS_getuid, 99), "what it inherited is gone");
	CHECK(filtered(SYS_getgid, 125), "its own filter is gone");
	CHECK(filter_call(SYS_geteuid, 126, 0) == 0 && filtered(SYS_geteuid, 126), "it takes no other");
}

int main(int argc, char **argv)
{
	pid_t pid;

	subject_begin(argc, argv);
	MUST(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0);
	MUST(filter_call(SYS_getppid, 123, 0) == 0);
	/* Of two numbers the newest filter's counts. */
	MUST(filter_call(SYS_getuid, 124, 0) == 0);
	MUST(filter_call(SYS_getuid, 99, 0) == 0);
	pid = child_start(child, NULL);

	subject_wait();

	CHECK(filtered(SYS_getppid, 123), "the oldest filter is gone");
	CHECK(filtered(SYS_getuid, 99), "the newest filter is not the newest any more");
	CHECK(!filtered(SYS_getgid, 125), "it has a filter of its child");
	child_end(pid);
	return subject_end();
}
