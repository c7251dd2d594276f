/* tests/kinds/regs/fpu.c -- x87, SSE, AVX, AVX-512 and protection-key registers, all that XSAVE has here, and the control words. */

#include <cpuid.h>
#include <pthread.h>
#include <stdint.h>

#include "tests/harness/subject.h"

enum {
	THREADS = 2,
	AREA = 16384,
	/* Bits of XCR0 (Intel SDM volume 1, 13.1). */
	X87 = 1 << 0, SSE = 1 << 1, AVX = 1 << 2, OPMASK = 1 << 5, ZMM_HI256 = 1 << 6, HI16_ZMM = 1 << 7, PKRU = 1 << 9,
	/* Offsets of the legacy area and the header (13.4). */
	FCW = 0, FSW = 2, FTW = 4, LAST_INSTRUCTION = 6, MXCSR = 24, ST0 = 32, XMM0 = 160, XSTATE_BV = 512,
};

typedef unsigned char area[AREA] __attribute__((aligned(64)));

static volatile int stop;
static _Atomic int started;
static uint32_t mask; /* the components that are tested */

/* Load `in`, store what the CPU then holds, spin, store again. The registers of the caller come back at the end. */
static void spin(const area *in, area *before, area *after, area *mine)
{
	__asm__ volatile("xsave64 %4\n"
			 "xrstor64 %1\n"
			 "xsave64 %2\n"
			 "1: cmpl $0, %0\n"
			 "je 1b\n"
			 "xsave64 %3\n"
			 "xrstor64 %4\n"
			 :
			 : "m"(stop), "m"(*in), "m"(*before), "m"(*after), "m"(*mine), "a"(mask), "d"(0)
			 : "memory", "cc");
}

static void put(unsigned char *to, uint32_t value, int size)
{
	memcpy(to, &value, size);
}

static void fill(area *a, int nr)
{
	unsigned char *p = *a;

	for (int i = ST0; i < XMM0 + 16 * 16; i++)
		p[i] = i * 7 + nr + 1;
	put(p + FCW, nr ? 0x0e7f : 0x057f, 2); /* rounding, precision; all exceptions masked */
	put(p + FSW, nr ? 0x5f3f : 0x2815, 2); /* condition codes, top of the stack, flags of exceptions seen */
	put(p + FTW, nr ? 0xff : 0x3c, 1);
	put(p + MXCSR, nr ? 0xffbf : 0x3f95, 4);
	for (int bit = 2; bit < 32; bit++) {
		unsigned int size, offset, c, d;

		if (!(mask & 1u << bit))
			continue;
		__cpuid_count(0xd, bit, size, offset, c, d);
		for (unsigned int i = 0; i < size; i++)
			p[offset + i] = i * 5 + bit + 64 * nr;
		if (1u << bit == PKRU) /* key 0 is everybody's memory: it stays allowed */
			put(p + offset, nr ? 0x5555aa54 : 0x55555550, 4);
	}
	put(p + XSTATE_BV, mask, 4);
}

static void *spinner(void *arg)
{
	static area areas[THREADS][4];
	int nr = (int)(intptr_t)arg;
	area *in = &areas[nr][0], *before = &areas[nr][1], *after = &areas[nr][2];

	fill(in, nr);
	started++;
	spin(in, before, after, &areas[nr][3]);
	/* Where the last x87 instruction was is not kept by every CPU from one context switch to the next. */
	memset(*before + LAST_INSTRUCTION, 0, MXCSR - LAST_INSTRUCTION);
	memset(*after + LAST_INSTRUCTION, 0, MXCSR - LAST_INSTRUCTION);
	CHECK(memcmp(*in + XMM0, *before + XMM0, 256) == 0, "thread %d: the pattern did not get into the registers", nr);
	for (int i = 0; i < AREA; i++) {
		if ((*before)[i] == (*after)[i])
			continue;
		CHECK(0, "thread %d: byte %d of the XSAVE area was %#x and is %#x", nr, i, (*before)[i], (*after)[i]);
		break;
	}
	return NULL;
}

int main(int argc, char **argv)
{
	pthread_t threads[THREADS];
	uint32_t low, high, a, size, c, d;

	subject_begin(argc, argv);
	if (!__get_cpuid(1, &a, &size, &c, &d) || !(c & bit_OSXSAVE))
		subject_skip("the CPU has no XSAVE");
	__asm__("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
	mask = low & (X87 | SSE | AVX | OPMASK | ZMM_HI256 | HI16_ZMM | PKRU);
	__cpuid_count(0xd, 0, a, size, c, d);
	MUST(size <= AREA);
	for (intptr_t i = 0; i < THREADS; i++)
		MUST(pthread_create(&threads[i], NULL, spinner, (void *)i) == 0);
	while (started < THREADS)
		subject_nap();
	subject_nap();

	subject_wait();

	stop = 1;
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	return subject_end();
}
