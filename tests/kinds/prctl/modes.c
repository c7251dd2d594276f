/* tests/kinds/prctl/modes.c -- what a process and each of its threads may do: read time stamps, make memory executable, choose the numbers
 * of timers, have huge pages unasked, be told of broken memory.
 *
 * harness: peer: has no fields for them
 */

#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>

#include "tests/harness/subject.h"

#ifndef PR_SET_MDWE
#define PR_SET_MDWE 65
#define PR_GET_MDWE 66
#endif

enum {
	TIMER_IDS = 77, /* PR_TIMER_CREATE_RESTORE_IDS */
	TIMER_IDS_ON = 1,
	TIMER_IDS_GET = 2,
	THP_EXCEPT_ADVISED = 2, /* PR_THP_DISABLE_EXCEPT_ADVISED */
};

static pthread_barrier_t up;
static sigjmp_buf back;

static void on_segv(int sig)
{
	siglongjmp(back, sig);
}

/* No libc function that looks at a clock may be called here. */
static void *no_time(void *arg)
{
	int tsc = 0;

	MUST(prctl(PR_SET_TSC, PR_TSC_SIGSEGV) == 0);
	MUST(prctl(PR_MCE_KILL, PR_MCE_KILL_SET, PR_MCE_KILL_EARLY, 0, 0) == 0);
	pthread_barrier_wait(&up);
	subject_wait_for("go");
	CHECK(prctl(PR_GET_TSC, &tsc) == 0 && tsc == PR_TSC_SIGSEGV, "time stamps: %d", tsc);
	if (sigsetjmp(back, 1) == 0) {
		__builtin_ia32_rdtsc();
		CHECK(0, "the thread can read time stamps");
	}
	CHECK(prctl(PR_MCE_KILL_GET, 0, 0, 0, 0) == PR_MCE_KILL_EARLY, "broken memory: %d", prctl(PR_MCE_KILL_GET, 0, 0, 0, 0));
	return NULL;
}

int main(int argc, char **argv)
{
	int mdwe, ids, thp, tsc = 0;
	pthread_t thread;
	void *page;

	subject_begin(argc, argv);
	MUST(pthread_barrier_init(&up, NULL, 2) == 0);
	MUST(signal(SIGSEGV, on_segv) != SIG_ERR);
	MUST(pthread_create(&thread, NULL, no_time, NULL) == 0);
	pthread_barrier_wait(&up);
	page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	MUST(page != MAP_FAILED);
	/* Not all kernels have all of them. */
	prctl(PR_SET_THP_DISABLE, 1, THP_EXCEPT_ADVISED, 0, 0);
	prctl(TIMER_IDS, TIMER_IDS_ON, 0, 0, 0);
	prctl(PR_SET_MDWE, 1, 0, 0, 0);
	thp = prctl(PR_GET_THP_DISABLE, 0, 0, 0, 0);
	ids = prctl(TIMER_IDS, TIMER_IDS_GET, 0, 0, 0);
	mdwe = prctl(PR_GET_MDWE, 0, 0, 0, 0);

	subject_wait();

	CHECK(prctl(PR_GET_THP_DISABLE, 0, 0, 0, 0) == thp, "huge pages: %d, not %d", prctl(PR_GET_THP_DISABLE, 0, 0, 0, 0), thp);
	CHECK(prctl(TIMER_IDS, TIMER_IDS_GET, 0, 0, 0) == ids, "numbers of timers: %d, not %d", prctl(TIMER_IDS, TIMER_IDS_GET, 0, 0, 0), ids);
	CHECK(prctl(PR_GET_MDWE, 0, 0, 0, 0) == mdwe, "executable memory: %d, not %d", prctl(PR_GET_MDWE, 0, 0, 0, 0), mdwe);
	CHECK(mdwe <= 0 || mprotect(page, 4096, PROT_READ | PROT_EXEC) < 0, "memory can become executable");
	CHECK(prctl(PR_GET_TSC, &tsc) == 0 && tsc == PR_TSC_ENABLE, "time stamps of the first thread: %d", tsc);
	pthread_join(thread, NULL);
	return subject_end();
}
