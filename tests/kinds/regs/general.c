/* tests/kinds/regs/general.c -- general registers and flags of threads that never leave user mode. */

#include <pthread.h>
#include <stdint.h>

#include "tests/harness/subject.h"

/* rcx is the one that the loop needs for itself; the stack pointer is what the rest stands on. */
struct regs {
	uint64_t rax, rbx, rdx, rsi, rdi, rbp, r8, r9, r10, r11, r12, r13, r14, r15, flags;
};

static const char *const names[] = { "rax", "rbx", "rdx", "rsi", "rdi", "rbp", "r8",	"r9",
				     "r10", "r11", "r12", "r13", "r14", "r15", "flags" };

enum {
	CF = 1, PF = 4, AF = 0x10, ZF = 0x40, SF = 0x80, IF = 0x200, DF = 0x400, OF = 0x800, AC = 0x40000,
	ALWAYS = IF | 2,
	NR_REGS = sizeof(struct regs) / 8,
	THREADS = 3,
};

/* Load `in`, spin until stop_spinning is not zero, store `out`. Neither mov nor jrcxz touches a flag. */
void spin(const struct regs *in, struct regs *out);

static volatile uint64_t stop_spinning __asm__("stop_spinning") __attribute__((used));

__asm__(".text\n"
	".type spin, @function\n"
	"spin:\n"
	"	push %rbx; push %rbp; push %r12; push %r13; push %r14; push %r15\n"
	"	push %rsi\n"
	"	pushq 14*8(%rdi)\n"
	"	popfq\n"
	"	mov 0*8(%rdi), %rax; mov 1*8(%rdi), %rbx; mov 2*8(%rdi), %rdx; mov 3*8(%rdi), %rsi\n"
	"	mov 5*8(%rdi), %rbp; mov 6*8(%rdi), %r8; mov 7*8(%rdi), %r9; mov 8*8(%rdi), %r10\n"
	"	mov 9*8(%rdi), %r11; mov 10*8(%rdi), %r12; mov 11*8(%rdi), %r13; mov 12*8(%rdi), %r14\n"
	"	mov 13*8(%rdi), %r15; mov 4*8(%rdi), %rdi\n"
	"1:	mov stop_spinning(%rip), %rcx\n"
	"	jrcxz 1b\n"
	"	mov (%rsp), %rcx\n"
	"	mov %rax, 0*8(%rcx); mov %rbx, 1*8(%rcx); mov %rdx, 2*8(%rcx); mov %rsi, 3*8(%rcx)\n"
	"	mov %rdi, 4*8(%rcx); mov %rbp, 5*8(%rcx); mov %r8, 6*8(%rcx); mov %r9, 7*8(%rcx)\n"
	"	mov %r10, 8*8(%rcx); mov %r11, 9*8(%rcx); mov %r12, 10*8(%rcx); mov %r13, 11*8(%rcx)\n"
	"	mov %r14, 12*8(%rcx); mov %r15, 13*8(%rcx)\n"
	"	pushfq; popq 14*8(%rcx)\n"
	"	pushq $2; popfq\n"
	"	pop %rsi; pop %r15; pop %r14; pop %r13; pop %r12; pop %rbp; pop %rbx\n"
	"	ret\n"
	".size spin, .-spin\n");

static _Atomic int started;
static const uint64_t flags[THREADS] = { CF | AF | SF | DF, PF | ZF | OF | AC, CF | PF | AF | ZF | SF | OF | DF };

static void *spinner(void *arg)
{
	int nr = (int)(intptr_t)arg;
	uint64_t in[NR_REGS], out[NR_REGS];

	for (int i = 0; i < NR_REGS - 1; i++)
		in[i] = 0x8899aabbccdd0000ULL + 0x1111000000000000ULL * nr + i;
	in[NR_REGS - 1] = flags[nr] | ALWAYS;
	started++;
	spin((void *)in, (void *)out);
	for (int i = 0; i < NR_REGS; i++)
		CHECK(out[i] == in[i], "thread %d: %s was %#lx and is %#lx", nr, names[i], in[i], out[i]);
	return NULL;
}

int main(int argc, char **argv)
{
	pthread_t threads[THREADS];

	subject_begin(argc, argv);
	for (intptr_t i = 0; i < THREADS; i++)
		MUST(pthread_create(&threads[i], NULL, spinner, (void *)i) == 0);
	while (started < THREADS)
		subject_nap();
	subject_nap();

	subject_wait();

	stop_spinning = 1;
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	return subject_end();
}
