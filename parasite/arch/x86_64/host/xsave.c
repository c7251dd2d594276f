/* parasite/arch/x86_64/host/xsave.c -- the layout of the extended state on this host. */

#include <cpuid.h>
#include <string.h>

#include "parasite/arch/x86_64/xsave.h"

enum {
	CPUID_FEATURES = 1,
	CPUID_OSXSAVE = 1 << 27, /* of ecx */
	CPUID_XSTATE = 0xd,
};

static uint64_t xgetbv0(void)
{
	uint32_t lo, hi;

	__asm__ volatile("xgetbv" : "=a"(lo), "=d"(hi) : "c"(0));
	return (uint64_t)hi << 32 | lo;
}

void xsave_layout(struct xsave_layout *layout)
{
	uint32_t eax, ebx, ecx, edx;

	memset(layout, 0, sizeof(*layout));
	layout->xcr0 = 1 << XSAVE_FP | 1 << XSAVE_SSE;
	layout->component[XSAVE_FP].size = 32 + 128;
	layout->component[XSAVE_SSE].offset = 160;
	layout->component[XSAVE_SSE].size = 256;

	if (!__get_cpuid(CPUID_FEATURES, &eax, &ebx, &ecx, &edx) || !(ecx & CPUID_OSXSAVE))
		return;
	layout->xcr0 = xgetbv0();
	__cpuid_count(CPUID_XSTATE, 0, eax, ebx, ecx, edx);
	layout->size = ebx; /* with what XCR0 has switched on */

	for (int i = XSAVE_YMM; i < XSAVE_COMPONENTS; i++) {
		if (!(layout->xcr0 & 1ull << i))
			continue;
		__cpuid_count(CPUID_XSTATE, i, eax, ebx, ecx, edx);
		layout->component[i].size = eax;
		layout->component[i].offset = ebx;
	}
}

void *xsave_component(const struct xsave_layout *layout, void *area, enum xsave_component which)
{
	if (which < 0 || which >= XSAVE_COMPONENTS || !layout->component[which].size)
		return NULL;
	return (uint8_t *)area + layout->component[which].offset;
}
