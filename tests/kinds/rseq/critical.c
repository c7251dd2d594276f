/* tests/kinds/rseq/critical.c -- a thread inside a critical section: it is aborted, as whenever something comes between. */

#include <pthread.h>
#include <stdint.h>
#include <sys/rseq.h>
#include <x86intrin.h>

#include "tests/harness/subject.h"

static volatile int leave, started;
static uint64_t entered; /* when the section was entered that was left at its end */

/* Enter, spin until told to leave; its result is the time of entry. The kernel wants the signature before the abort handler,
 * which enters again. */
static uint64_t section(volatile struct rseq *rseq)
{
	uint64_t time;

	__asm__ volatile(".pushsection __rseq_cs, \"aw\"\n"
			 "	.balign 32\n"
			 "3:	.long 0, 0\n"
			 "	.quad 1f, 2f - 1f, 4f\n"
			 ".popsection\n"
			 "0:	rdtsc\n"
			 "	shl $32, %%rdx\n"
			 "	lea (%%rax, %%rdx), %[time]\n"
			 "	lea 3b(%%rip), %%rax\n"
			 "	mov %%rax, %[cs]\n"
			 "1:	cmpl $0, %[leave]\n"
			 "	je 1b\n"
			 "2:	jmp 5f\n"
			 "	.long %c[sig]\n"
			 "4:	jmp 0b\n"
			 "5:\n"
			 : [time] "=&r"(time), [cs] "=m"(rseq->rseq_cs)
			 : [leave] "m"(leave), [sig] "i"(RSEQ_SIG)
			 : "rax", "rdx", "memory", "cc");
	return time;
}

static void *thread(void *arg)
{
	started = 1;
	entered = section((struct rseq *)((char *)__builtin_thread_pointer() + __rseq_offset));
	return NULL;
}

int main(int argc, char **argv)
{
	uint64_t last_look = 0;
	clock_t used = 0;
	char go[4096];
	pthread_t t;

	subject_begin(argc, argv);
	if (!__rseq_size)
		subject_skip("the C library registers no area");
	MUST(pthread_create(&t, NULL, thread, NULL) == 0);
	while (!started)
		subject_nap();
	subject_path_(go, sizeof(go), "go");
	subject_leave("ready", "");
	/* The CPU time of a restored process begins anew: this tells the last look before the dump. */
	while (clock() >= used && access(go, F_OK) < 0) {
		used = clock();
		last_look = __rdtsc();
		subject_nap();
	}
	if (clock() >= used) /* it was not restored */
		last_look = 0;
	subject_wait_for("go");
	leave = 1;
	pthread_join(t, NULL);
	CHECK(entered > last_look, "the section that was entered before the dump was left at its end");
	return subject_end();
}
