/* tests/kinds/regs/bases.c -- the FS and GS bases of each thread, and what is thread-local through them. */

#include <asm/prctl.h>
#include <pthread.h>
#include <stdint.h>
#include <sys/syscall.h>

#include "tests/harness/subject.h"

enum { THREADS = 4 };

static __thread int local = -1;
static pthread_barrier_t up;

static unsigned long base(int which)
{
	unsigned long value = 0;

	CHECK(syscall(SYS_arch_prctl, which, &value) == 0, "arch_prctl(%#x): %s", which, strerror(errno));
	return value;
}

static void *thread(void *arg)
{
	int nr = (int)(intptr_t)arg;
	uint64_t own[8] = { 1000 + nr };
	unsigned long fs = base(ARCH_GET_FS), seen;

	local = nr;
	MUST(syscall(SYS_arch_prctl, ARCH_SET_GS, own) == 0);
	pthread_barrier_wait(&up);

	subject_wait_for("go");

	CHECK(base(ARCH_GET_FS) == fs, "thread %d: FS base %#lx, it was %#lx", nr, base(ARCH_GET_FS), fs);
	CHECK(base(ARCH_GET_GS) == (unsigned long)own, "thread %d: GS base %#lx, it was %p", nr, base(ARCH_GET_GS), own);
	__asm__ volatile("mov %%gs:0, %0" : "=r"(seen));
	CHECK(seen == own[0], "thread %d: %%gs:0 is %lu", nr, seen);
	CHECK(local == nr, "thread %d: its thread-local variable is %d", nr, local);
	return NULL;
}

int main(int argc, char **argv)
{
	pthread_t threads[THREADS];

	subject_begin(argc, argv);
	MUST(pthread_barrier_init(&up, NULL, THREADS + 1) == 0);
	for (intptr_t i = 0; i < THREADS; i++)
		MUST(pthread_create(&threads[i], NULL, thread, (void *)i) == 0);
	pthread_barrier_wait(&up);

	subject_wait();

	CHECK(base(ARCH_GET_GS) == 0, "the first thread has the GS base %#lx", base(ARCH_GET_GS));
	CHECK(local == -1, "the first thread's variable is %d", local);
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	return subject_end();
}
