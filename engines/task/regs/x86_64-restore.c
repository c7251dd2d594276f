/* engines/task/regs/x86_64-restore.c -- registers of x86-64 from records: general ones, FPU and extended
 * state, TLS descriptors.
 *
 * The record has the extended state in pieces, one array a component, and xstate_bv says which of them are
 * not in their initial state: those this CPU must have; the others need no place.
 */

#include <asm/ldt.h>
#include <elf.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "criu-restore/arch.h"
#include "criuimg/array.h"
#include "kernel/ptrace.h"
#include "parasite/arch/regs.h"
#include "parasite/arch/thread.h"
#include "parasite/arch/x86_64/modes.h"
#include "parasite/arch/x86_64/xsave.h"

enum {
	USER_CS = 0x33, /* arch/x86/include/asm/segment.h */
	USER32_CS = 0x23,
	SELECTOR_INDEX = 3, /* below: which table, and the privilege */
	MXCSR_DEFAULT = 0x1f80,
};

/* Bits of mxcsr that are there on any CPU; the CPU's own mask says more. */
#define MXCSR_DEFAULT_MASK 0xffbfu

/* More than any CPU has: AMX takes 11 KiB. */
#define XSAVE_AREA_MAX (32u << 10)

/* A component as an array of the record. */
struct piece {
	enum xsave_component which;
	const char *name;
	size_t item; /* bytes of an element */
	size_t nr_offset, array_offset;
};

#define PIECE(component, name, type, field)                                                                  \
	{                                                                                                    \
		component, name, sizeof(type), offsetof(UserX86XsaveEntry, n_##field),                       \
			offsetof(UserX86XsaveEntry, field)                                                   \
	}
static const struct piece pieces[] = {
	PIECE(XSAVE_YMM, "AVX", uint32_t, ymmh_space),
	PIECE(XSAVE_BNDREGS, "MPX bounds", uint64_t, bndreg_state),
	PIECE(XSAVE_BNDCSR, "MPX configuration", uint64_t, bndcsr_state),
	PIECE(XSAVE_OPMASK, "AVX-512 masks", uint64_t, opmask_reg),
	PIECE(XSAVE_ZMM_HI256, "AVX-512 upper halves", uint64_t, zmm_upper),
	PIECE(XSAVE_HI16_ZMM, "AVX-512 zmm16-31", uint64_t, hi16_zmm),
	PIECE(XSAVE_PKRU, "protection keys", uint32_t, pkru),
};
#undef PIECE

static size_t piece_size(const struct piece *p, const UserX86XsaveEntry *x)
{
	return *(const size_t *)((const char *)x + p->nr_offset) * p->item;
}

static const void *piece_data(const struct piece *p, const UserX86XsaveEntry *x)
{
	return *(void *const *)((const char *)x + p->array_offset);
}

/* Asking the CPU is slow inside of a virtual machine: once a run. */
struct restore_arch {
	struct xsave_layout layout;
	struct xsave_area *area; /* of XSAVE_AREA_MAX bytes */
};

static bool is_compat(const UserX86RegsEntry *g)
{
	return g->has_mode && g->mode == USER_X86_REGS_MODE__COMPAT;
}

/* ---- plan ---- */

static int check_extended(const struct xsave_layout *layout, const UserX86XsaveEntry *x, struct img_err *err)
{
	uint64_t todo = x->xstate_bv & ~(1ull << XSAVE_FP | 1ull << XSAVE_SSE);

	for (size_t i = 0; i < ARRAY_SIZE(pieces); i++) {
		const struct piece *p = &pieces[i];
		uint64_t bit = 1ull << p->which;

		if (!(todo & bit))
			continue;
		todo &= ~bit;
		if (!(layout->xcr0 & bit) || !layout->component[p->which].size)
			return img_fail(err, IMG_UNSUPPORTED, "uses %s, which this CPU has not", p->name);
		if (!piece_size(p, x) || piece_size(p, x) > layout->component[p->which].size)
			return img_fail(err, IMG_CORRUPT, "%s: %zu bytes of state, not %u", p->name,
				piece_size(p, x), layout->component[p->which].size);
	}
	if (todo)
		return img_fail(err, IMG_UNSUPPORTED, "CPU state components %#llx", (unsigned long long)todo);
	if (x->cet && x->cet->cet)
		return img_fail(err, IMG_UNSUPPORTED, "has a shadow stack, which is not supported yet");
	return 0;
}

/* Components that a task has to ask for before it may use them. */
static uint64_t to_ask_for(const ThreadInfoX86 *ti)
{
	uint64_t mine = 0;

	if (!ti->has_xcomp_perm || syscall(SYS_arch_prctl, ARCH_GET_XCOMP_PERM, &mine) < 0)
		return ti->xcomp_perm;
	return ti->xcomp_perm & ~mine;
}

static int check_modes(const struct restore_thread *th, struct img_err *err)
{
	const ThreadInfoX86 *ti = th->core->thread_info;
	uint64_t can = 0, asks = to_ask_for(ti);

	if (ti->no_cpuid && syscall(SYS_arch_prctl, ARCH_GET_CPUID, 0) < 0)
		return img_fail(err, IMG_UNSUPPORTED, "may not use CPUID, which this host cannot forbid");
	if (asks && (syscall(SYS_arch_prctl, ARCH_GET_XCOMP_SUPP, &can) < 0 || asks & ~can))
		return img_fail(err, IMG_UNSUPPORTED, "may use CPU state components %#llx, which are not here",
			(unsigned long long)(asks & ~can));
	return 0;
}

int restore_arch_check(struct restore *r, struct restore_thread *th, struct img_err *err)
{
	const UserX86RegsEntry *g = th->core->thread_info->gpregs;
	const UserX86FpregsEntry *f = th->core->thread_info->fpregs;

	if (!r->arch) {
		r->arch = img_arena_alloc(&r->arena, sizeof(*r->arch));
		if (!r->arch || !(r->arch->area = img_arena_alloc(&r->arena, XSAVE_AREA_MAX)))
			return img_fail_nomem(err);
		xsave_layout(&r->arch->layout);
	}
	if (g->cs != (is_compat(g) ? USER32_CS : USER_CS))
		return img_fail(err, IMG_UNSUPPORTED, "code segment %#llx", (unsigned long long)g->cs);
	if (g->fs_base >= r->task_top || g->gs_base >= r->task_top)
		return img_fail(err, IMG_CORRUPT, "FS or GS base out of range");
	if (check_modes(th, err) < 0)
		return -1;
	if (f->n_st_space != 32 || f->n_xmm_space != 64)
		return img_fail(err, IMG_CORRUPT, "FPU state of the wrong size");
	if (!f->xsave)
		return 0;
	return check_extended(&r->arch->layout, f->xsave, err);
}

/* ---- in the thread ---- */

static void tape_modes(const ThreadInfoX86 *ti, struct restore_tape *tape)
{
	uint64_t asks = to_ask_for(ti);

	for (int bit = 0; bit < 64; bit++)
		if (asks & 1ull << bit)
			tape_step(tape, TAPE_THREAD, "ask for a component of CPU state", SYS_arch_prctl, ARCH_REQ_XCOMP_PERM, bit);
	if (ti->no_tsc)
		tape_step(tape, TAPE_THREAD_LAST, "no time stamps", SYS_prctl, PR_SET_TSC, PR_TSC_SIGSEGV);
	if (ti->no_cpuid)
		tape_step(tape, TAPE_THREAD_LAST, "no CPUID", SYS_arch_prctl, ARCH_SET_CPUID, 0);
}

void restore_arch_tape(struct restore_thread *th, struct restore_tape *tape)
{
	tape_modes(th->core->thread_info, tape);
}

/* ---- from outside ---- */

/* Descriptors that 32-bit code has its thread pointer in: 64-bit code cannot set them. */
static int set_tls(const struct restore_thread *th, struct img_err *err)
{
	const ThreadInfoX86 *ti = th->core->thread_info;

	for (size_t i = 0; i < ti->n_tls; i++) {
		const UserDescT *e = ti->tls[i];
		struct user_desc desc = {
			.entry_number = e->entry_number,
			.base_addr = e->base_addr,
			.limit = e->limit,
			.seg_32bit = e->seg_32bit,
			.contents = e->contents_h << 1 | e->contents_l,
			.read_exec_only = e->read_exec_only,
			.limit_in_pages = e->limit_in_pages,
			.seg_not_present = e->seg_not_present,
			.useable = e->usable,
		};

		if (e->seg_not_present && !e->base_addr && !e->limit)
			continue; /* empty, as it is anyway */
		if (syscall(SYS_ptrace, PTRACE_SET_THREAD_AREA, th->here, (long)e->entry_number, &desc) < 0)
			return img_fail_sys(err, "TLS descriptor %u", e->entry_number);
	}
	return 0;
}

/* 32-bit code has its thread pointer in a descriptor, that the selector names. Records of others do not say the base as well. */
static uint64_t base_of(const ThreadInfoX86 *ti, uint64_t selector, uint64_t base)
{
	for (size_t i = 0; i < ti->n_tls; i++)
		if (selector && ti->tls[i]->entry_number == selector >> SELECTOR_INDEX)
			return ti->tls[i]->base_addr;
	return base;
}

static int set_general(struct restore_thread *th, struct img_err *err)
{
	const UserX86RegsEntry *e = th->core->thread_info->gpregs;
	struct arch_regs r = { 0 };

#define COPY(reg) r.reg = e->reg
	COPY(r15), COPY(r14), COPY(r13), COPY(r12), COPY(bp), COPY(bx), COPY(r11), COPY(r10), COPY(r9),
		COPY(r8);
	COPY(ax), COPY(cx), COPY(dx), COPY(si), COPY(di), COPY(ip), COPY(cs), COPY(flags), COPY(sp);
	COPY(ss), COPY(fs_base), COPY(gs_base), COPY(ds), COPY(es), COPY(fs), COPY(gs);
#undef COPY
	if (is_compat(e)) {
		r.fs_base = base_of(th->core->thread_info, e->fs, e->fs_base);
		r.gs_base = base_of(th->core->thread_info, e->gs, e->gs_base);
	}
	/* The record has a call that was interrupted ready to be made again: nothing is left for the kernel
	 * to restart. */
	r.orig_ax = -1;
	return arch_thread_set(th->here, &r, err);
}

static void fill_legacy(struct xsave_legacy *l, const UserX86FpregsEntry *f)
{
	uint32_t mask = l->mxcsr_mask ? l->mxcsr_mask : MXCSR_DEFAULT_MASK;

	l->cwd = f->cwd;
	l->swd = f->swd;
	l->twd = f->twd;
	l->fop = f->fop;
	l->rip = f->rip;
	l->rdp = f->rdp;
	l->mxcsr = f->mxcsr & mask; /* the kernel refuses others */
	memcpy(l->st_space, f->st_space, sizeof(l->st_space));
	memcpy(l->xmm_space, f->xmm_space, sizeof(l->xmm_space));
}

/* The kernel takes the whole area as this host has it, or nothing. */
static int set_extended(const struct restore_arch *arch, struct restore_thread *th, struct img_err *err)
{
	const UserX86FpregsEntry *f = th->core->thread_info->fpregs;
	const UserX86XsaveEntry *x = f->xsave;
	struct xsave_area *area = arch->area;
	ssize_t size;

	size = kern_ptrace_get_regset(th->here, NT_X86_XSTATE, area, XSAVE_AREA_MAX, err);
	if (size < 0)
		return -1;
	fill_legacy(&area->legacy, f);
	/* Without an xsave part the record is of a CPU that had the legacy state alone, and had it in use. */
	area->header.xstate_bv = x ? x->xstate_bv : 1 << XSAVE_FP | 1 << XSAVE_SSE;
	area->header.xcomp_bv = 0;
	/* The kernel takes mxcsr only along with one of the components that go by it. */
	if (f->mxcsr != MXCSR_DEFAULT)
		area->header.xstate_bv |= 1 << XSAVE_SSE;
	for (size_t i = 0; x && i < ARRAY_SIZE(pieces); i++) {
		void *to = xsave_component(&arch->layout, area, pieces[i].which);

		if (x->xstate_bv & 1ull << pieces[i].which && to)
			memcpy(to, piece_data(&pieces[i], x), piece_size(&pieces[i], x));
	}
	return kern_ptrace_set_regset(th->here, NT_X86_XSTATE, area, size, err);
}

static int set_legacy(struct restore_thread *th, struct img_err *err)
{
	struct xsave_legacy legacy;

	if (kern_ptrace_get_regset(th->here, NT_PRFPREG, &legacy, sizeof(legacy), err) < 0)
		return -1;
	fill_legacy(&legacy, th->core->thread_info->fpregs);
	return kern_ptrace_set_regset(th->here, NT_PRFPREG, &legacy, sizeof(legacy), err);
}

int restore_arch_regs(struct restore *r, struct restore_thread *th, struct img_err *err)
{
	if ((r->arch->layout.size ? set_extended(r->arch, th, err) : set_legacy(th, err)) < 0)
		return -1;
	return set_tls(th, err) < 0 ? -1 : set_general(th, err);
}
