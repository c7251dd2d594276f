/* engines/task/regs/x86_64-dump.c -- registers of x86-64 as records: general ones, FPU and extended state,
 * TLS descriptors.
 *
 * The record has the extended state in pieces, one array a component; a component that the host lacks is
 * absent.
 */

#include <asm/ldt.h>
#include <elf.h>
#include <errno.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "criu-dump/arch.h"
#include "criuimg/array.h"
#include "criuimg/cleanup.h"
#include "kernel/ptrace.h"
#include "parasite/arch/x86_64/xsave.h"

#ifndef NT_X86_SHSTK
#define NT_X86_SHSTK 0x204
#endif

enum {
	TLS_FIRST = 12, /* GDT_ENTRY_TLS_MIN of arch/x86/include/asm/segment.h */
	TLS_NR = 3,
};

/* Components that the record has no field for: not to be dropped without a word. */
#define KNOWN_COMPONENTS                                                                                     \
	(1ull << XSAVE_FP | 1ull << XSAVE_SSE | 1ull << XSAVE_YMM | 1ull << XSAVE_BNDREGS |                  \
		1ull << XSAVE_BNDCSR | 1ull << XSAVE_OPMASK | 1ull << XSAVE_ZMM_HI256 |                      \
		1ull << XSAVE_HI16_ZMM | 1ull << XSAVE_PKRU)

int dump_arch_check(struct dump *d, struct dump_thread *th, struct img_err *err)
{
	int ret = 0;

	if (ret == 0 && th->status.shadow_stack)
		ret = dump_block(
			d, th->task, "", "thread %d has a shadow stack, which is not supported yet", th->tid);
	return ret < 0 ? img_fail_nomem(err) : 0;
}

static UserX86RegsEntry *general(struct dump_thread *th)
{
	UserX86RegsEntry *e = img_arena_message(&th->task->arena, UserX86RegsEntry, user_x86_regs_entry);
	struct arch_regs r = th->regs;

	if (!e)
		return NULL;
	arch_regs_restart(&r);
#define COPY(reg) e->reg = r.reg
	COPY(r15), COPY(r14), COPY(r13), COPY(r12), COPY(bp), COPY(bx), COPY(r11), COPY(r10), COPY(r9),
		COPY(r8);
	COPY(ax), COPY(cx), COPY(dx), COPY(si), COPY(di), COPY(orig_ax), COPY(ip), COPY(cs), COPY(flags),
		COPY(sp);
	COPY(ss), COPY(fs_base), COPY(gs_base), COPY(ds), COPY(es), COPY(fs), COPY(gs);
#undef COPY
	e->has_mode = 1;
	e->mode = arch_regs_native(&r) ? USER_X86_REGS_MODE__NATIVE : USER_X86_REGS_MODE__COMPAT;
	if (e->mode == USER_X86_REGS_MODE__COMPAT)
		e->ax = (uint32_t)e->ax;
	return e;
}

/* ---- FPU and what came after ---- */

/* A component as an array of a record. */
struct piece {
	enum xsave_component which;
	size_t item; /* bytes of an element */
	size_t nr_offset, array_offset;
};

#define PIECE(component, type, field)                                                                        \
	{                                                                                                    \
		component, sizeof(type), offsetof(UserX86XsaveEntry, n_##field),                             \
			offsetof(UserX86XsaveEntry, field)                                                   \
	}
static const struct piece pieces[] = {
	PIECE(XSAVE_YMM, uint32_t, ymmh_space),
	PIECE(XSAVE_BNDREGS, uint64_t, bndreg_state),
	PIECE(XSAVE_BNDCSR, uint64_t, bndcsr_state),
	PIECE(XSAVE_OPMASK, uint64_t, opmask_reg),
	PIECE(XSAVE_ZMM_HI256, uint64_t, zmm_upper),
	PIECE(XSAVE_HI16_ZMM, uint64_t, hi16_zmm),
	PIECE(XSAVE_PKRU, uint32_t, pkru),
};
#undef PIECE

static UserX86XsaveEntry *extended(
	struct dump_thread *th, const struct xsave_layout *layout, struct xsave_area *area)
{
	struct img_arena *arena = &th->task->arena;
	UserX86XsaveEntry *x = img_arena_message(arena, UserX86XsaveEntry, user_x86_xsave_entry);

	if (!x)
		return NULL;
	x->xstate_bv = area->header.xstate_bv;
	for (size_t i = 0; i < ARRAY_SIZE(pieces); i++) {
		const struct piece *p = &pieces[i];
		void *data = xsave_component(layout, area, p->which);
		void *copy;

		if (!data)
			continue;
		copy = img_arena_memdup(arena, data, layout->component[p->which].size);
		if (!copy)
			return NULL;
		*(size_t *)((char *)x + p->nr_offset) = layout->component[p->which].size / p->item;
		*(void **)((char *)x + p->array_offset) = copy;
	}
	/* Shadow stacks are refused; the field is there all the same, with nothing switched on. */
	x->cet = img_arena_message(arena, UserX86CetEntry, user_x86_cet_entry);
	return x->cet ? x : NULL;
}

static UserX86FpregsEntry *legacy(struct dump_thread *th, const struct xsave_legacy *l)
{
	struct img_arena *arena = &th->task->arena;
	UserX86FpregsEntry *e = img_arena_message(arena, UserX86FpregsEntry, user_x86_fpregs_entry);

	if (!e)
		return NULL;
	e->cwd = l->cwd;
	e->swd = l->swd;
	e->twd = l->twd;
	e->fop = l->fop;
	e->rip = l->rip;
	e->rdp = l->rdp;
	e->mxcsr = l->mxcsr;
	e->mxcsr_mask = l->mxcsr_mask;
	e->n_st_space = ARRAY_SIZE(l->st_space);
	e->st_space = img_arena_memdup(arena, l->st_space, sizeof(l->st_space));
	e->n_xmm_space = ARRAY_SIZE(l->xmm_space);
	e->xmm_space = img_arena_memdup(arena, l->xmm_space, sizeof(l->xmm_space));
	return e->st_space && e->xmm_space ? e : NULL;
}

static UserX86FpregsEntry *floating(struct dump_thread *th, struct img_err *err)
{
	struct xsave_layout layout;
	size_t size;
	cleanup_free struct xsave_area *area = NULL;
	UserX86FpregsEntry *e;
	ssize_t got;

	xsave_layout(&layout);
	size = layout.size > sizeof(*area) ? layout.size : sizeof(*area);
	area = calloc(1, size);
	if (!area) {
		img_fail_nomem(err);
		return NULL;
	}
	got = kern_ptrace_get_regset(th->tid, layout.size ? NT_X86_XSTATE : NT_PRFPREG, area, size, err);
	if (got < 0)
		return NULL;
	if (area->header.xstate_bv & ~KNOWN_COMPONENTS) {
		img_fail(err, IMG_UNSUPPORTED,
			"thread %d uses CPU state components %#llx, which are not supported", th->tid,
			(unsigned long long)(area->header.xstate_bv & ~KNOWN_COMPONENTS));
		return NULL;
	}
	e = legacy(th, &area->legacy);
	if (e && layout.size) {
		e->xsave = extended(th, &layout, area);
		if (!e->xsave)
			e = NULL;
	}
	if (!e)
		img_fail_nomem(err);
	return e;
}

/* ---- TLS descriptors (set_thread_area(2)): of use to 32-bit code ---- */

static int tls(struct dump_thread *th, ThreadInfoX86 *ti, struct img_err *err)
{
	struct img_arena *arena = &th->task->arena;

	ti->tls = img_arena_array(arena, TLS_NR, sizeof(*ti->tls));
	if (!ti->tls)
		return img_fail_nomem(err);
	for (int i = 0; i < TLS_NR; i++) {
		/* What an empty one looks like, for kernels without 32-bit support. */
		struct user_desc desc = { .read_exec_only = 1, .seg_not_present = 1 };
		UserDescT *e = img_arena_message(arena, UserDescT, user_desc_t);

		if (!e)
			return img_fail_nomem(err);
		if (syscall(SYS_ptrace, PTRACE_GET_THREAD_AREA, th->tid, TLS_FIRST + i, &desc) < 0 &&
			errno != EIO && errno != EINVAL)
			return img_fail_sys(err, "thread %d: TLS descriptor %d", th->tid, TLS_FIRST + i);
		e->entry_number = TLS_FIRST + i;
		e->base_addr = desc.base_addr;
		e->limit = desc.limit;
		e->seg_32bit = desc.seg_32bit;
		e->contents_h = desc.contents >> 1 & 1;
		e->contents_l = desc.contents & 1;
		e->read_exec_only = desc.read_exec_only;
		e->limit_in_pages = desc.limit_in_pages;
		e->seg_not_present = desc.seg_not_present;
		e->usable = desc.useable;
		ti->tls[ti->n_tls++] = e;
	}
	return 0;
}

int dump_arch_regs(struct dump_thread *th, uint64_t clear_tid, struct img_err *err)
{
	ThreadInfoX86 *ti = img_arena_message(&th->task->arena, ThreadInfoX86, thread_info_x86);

	if (!ti)
		return img_fail_nomem(err);
	ti->clear_tid_addr = clear_tid;
	ti->gpregs = general(th);
	if (!ti->gpregs)
		return img_fail_nomem(err);
	ti->fpregs = floating(th, err);
	if (!ti->fpregs || tls(th, ti, err) < 0)
		return -1;
	th->core->thread_info = ti;
	return 0;
}
