/* tests/kinds/seccomp/logged.c -- filters with and without SECCOMP_FILTER_FLAG_LOG, of a child: the parent looks at it with ptrace(2). */

#include <sys/ptrace.h>

#include "tests/harness/family.h"
#include "tests/kinds/seccomp/filters.h"

static void child(void *arg)
{
	MUST(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0);
	MUST(filter_call(SYS_getppid, 100, SECCOMP_FILTER_FLAG_LOG) == 0);
	MUST(filter_call(SYS_getppid, 101, 0) == 0);
	child_up();
	subject_wait_for("done");
}

static uint64_t flags_of(pid_t pid, uint64_t nr)
{
	struct {
		uint64_t nr, flags;
	} meta = { nr, ~0ull };

	CHECK(syscall(SYS_ptrace, 0x420d /* PTRACE_SECCOMP_GET_METADATA */, pid, sizeof(meta), &meta) >= 0, "metadata: %s",
		strerror(errno));
	return meta.flags;
}

int main(int argc, char **argv)
{
	pid_t pid;
	int status;

	subject_begin(argc, argv);
	pid = child_start(child, NULL);

	subject_wait();

	CHECK(ptrace(PTRACE_SEIZE, pid, 0, 0) == 0 && ptrace(PTRACE_INTERRUPT, pid, 0, 0) == 0, "ptrace: %s", strerror(errno));
	waitpid(pid, &status, 0);
	CHECK(flags_of(pid, 0) == SECCOMP_FILTER_FLAG_LOG, "the first filter does not log");
	CHECK(flags_of(pid, 1) == 0, "the second filter logs");
	ptrace(PTRACE_DETACH, pid, 0, 0);
	subject_leave("done", "");
	child_end(pid);
	return subject_end();
}
