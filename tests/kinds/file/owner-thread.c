/* tests/kinds/file/owner-thread.c -- a thread is told of what happens to a descriptor (F_OWNER_TID), as another user set it. */
/* harness: peer: it makes its threads after it has set owners */

#include <pthread.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include "tests/harness/subject.h"

static volatile sig_atomic_t told_by;
static volatile pid_t tid;
static volatile int end;

static void note(int sig)
{
	told_by = (sig_atomic_t)syscall(SYS_gettid);
}

static void *thread(void *arg)
{
	tid = (pid_t)syscall(SYS_gettid);
	while (!end)
		subject_nap();
	return NULL;
}

int main(int argc, char **argv)
{
	struct f_owner_ex owner = { F_OWNER_TID, 0 }, got;
	struct sigaction sa = { .sa_handler = note };
	uid_t uids[2] = { 99, 99 };
	int ends[2], other[2];
	pthread_t th;

	subject_begin(argc, argv);
	MUST(sigaction(SIGIO, &sa, NULL) == 0 && pthread_create(&th, NULL, thread, NULL) == 0);
	while (!tid)
		subject_nap();
	MUST(pipe(ends) == 0 && pipe(other) == 0);
	owner.pid = tid;
	MUST(fcntl(ends[0], F_SETOWN_EX, &owner) == 0 && fcntl(ends[0], F_SETFL, O_ASYNC) == 0);
	MUST(syscall(SYS_setresuid, 1234, 5678, 0) == 0 && fcntl(other[0], F_SETOWN_EX, &owner) == 0);
	MUST(syscall(SYS_setresuid, 0, 0, 0) == 0 && prctl(PR_SET_DUMPABLE, 1) == 0);
	subject_wait();

	CHECK(fcntl(ends[0], F_GETOWN_EX, &got) == 0 && got.type == F_OWNER_TID && got.pid == tid, "the owner is %d %d",
		(int)got.type, (int)got.pid);
	CHECK(fcntl(other[0], 17 /* F_GETOWNER_UIDS */, uids) == 0 && uids[0] == 1234 && uids[1] == 5678, "set by uid %u, %u",
		uids[0], uids[1]);
	CHECK(write(ends[1], "x", 1) == 1, "%s", strerror(errno));
	for (int i = 0; i < 200 && !told_by; i++)
		subject_nap();
	CHECK(told_by == tid, "thread %d was told, not %d", (int)told_by, (int)tid);
	end = 1;
	pthread_join(th, NULL);
	return subject_end();
}
