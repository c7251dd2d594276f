/* parasite/arch/x86_64/xsave.h -- the extended state area: FPU, SSE, AVX, AVX-512, PKRU.
 *
 * Standard (not compacted) form: what PTRACE_GETREGSET(NT_X86_XSTATE) gives and what a signal frame holds.
 * The legacy area and the header are fixed; where each other component lies is asked of CPUID leaf 0xd
 * (the standard form's offsets). Facts: Intel SDM volume 1, chapter 13;
 * arch/x86/include/uapi/asm/sigcontext.h.
 */
#ifndef PARASITE_ARCH_X86_64_XSAVE_H
#define PARASITE_ARCH_X86_64_XSAVE_H

#include <stdint.h>

/* Components, by bit of XCR0 and xstate_bv. */
enum xsave_component {
	XSAVE_FP = 0,
	XSAVE_SSE = 1,
	XSAVE_YMM = 2,	     /* upper halves of ymm0-15: 16 * 16 bytes */
	XSAVE_BNDREGS = 3,   /* MPX: 4 * 16 bytes */
	XSAVE_BNDCSR = 4,    /* MPX: 2 * 8 bytes */
	XSAVE_OPMASK = 5,    /* k0-7: 8 * 8 bytes */
	XSAVE_ZMM_HI256 = 6, /* upper halves of zmm0-15: 16 * 32 bytes */
	XSAVE_HI16_ZMM = 7,  /* zmm16-31: 16 * 64 bytes */
	XSAVE_PT = 8,	     /* supervisor */
	XSAVE_PKRU = 9,	     /* 4 bytes, in an area of 8 */
	XSAVE_PASID = 10,    /* supervisor */
	XSAVE_CET_USER = 11, /* supervisor: not in the area that user space sees */
	XSAVE_CET_KERNEL = 12,
	XSAVE_XTILE_CFG = 17,  /* AMX: 64 bytes */
	XSAVE_XTILE_DATA = 18, /* AMX: 8192 bytes */
	XSAVE_APX = 19,	       /* 16 * 8 bytes */
	XSAVE_COMPONENTS = 63,
};

/* The first 512 bytes: what FXSAVE stores. */
struct xsave_legacy {
	uint16_t cwd, swd, twd, fop;
	uint64_t rip, rdp;
	uint32_t mxcsr, mxcsr_mask;
	uint32_t st_space[32];	/* 8 registers of 16 bytes */
	uint32_t xmm_space[64]; /* 16 registers of 16 bytes */
	uint32_t padding[12];
	uint32_t sw_reserved[12]; /* in a signal frame: struct xsave_sw */
};

/* What the kernel puts into sw_reserved of a signal frame, and asks of one. */
#define XSAVE_SW_MAGIC1 0x46505853u
#define XSAVE_SW_MAGIC2 0x46505845u /* the 4 bytes after the area */
struct xsave_sw {
	uint32_t magic1;	/* XSAVE_SW_MAGIC1: there is more than the legacy area */
	uint32_t extended_size; /* of the whole, magic2 included */
	uint64_t xfeatures;	/* components that the area has room for and that are to be restored */
	uint32_t xstate_size;	/* of the area without magic2 */
	uint32_t padding[7];
};

struct xsave_header {
	uint64_t xstate_bv; /* components that are not in their initial state */
	uint64_t xcomp_bv;  /* 0: standard form */
	uint64_t reserved[6];
};

struct xsave_area {
	struct xsave_legacy legacy; /* at 0 */
	struct xsave_header header; /* at 512 */
	/* at 576: the other components, at their offsets from the start of the area */
	uint8_t extended[];
};

_Static_assert(sizeof(struct xsave_legacy) == 512, "fixed by the CPU");
_Static_assert(sizeof(struct xsave_sw) == 48, "fixed by the kernel");

#ifndef BLOB_FREESTANDING
#include <stdbool.h>
#include <stddef.h>

/* What this CPU and kernel have: XCR0 and, of each component, the place in the standard form. */
struct xsave_layout {
	uint64_t xcr0; /* user components that are switched on */
	/* of the area with all of them; 0: the CPU has no XSAVE, there is the legacy area alone */
	uint32_t size;
	struct {
		uint32_t offset, size;
	} component[XSAVE_COMPONENTS];
};

void xsave_layout(struct xsave_layout *layout);
/* Where a component lies in an area of this layout, or NULL when the host has it not. */
void *xsave_component(const struct xsave_layout *layout, void *area, enum xsave_component which);
#endif

#endif
