/* crit/core-notes.c -- the notes of an ELF core: registers of all threads, names, auxiliary vector, mapped files.
 *
 * Layouts: linux/elfcore.h, struct elf_prstatus and elf_prpsinfo of a 64-bit task; NT_FILE as fs/binfmt_elf.c writes it; NT_X86_XSTATE is
 * the XSAVE area in its standard form (Intel SDM volume 1, chapter 13).
 */

#include "core-notes.h"

#include <elf.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "criuimg/array.h"
#include "criuimg/cleanup.h"

/* ---- bytes ---- */

static int put(struct core_notes *notes, const void *data, size_t len, struct img_err *err)
{
	if (notes->len + len > notes->room) {
		size_t room = (notes->len + len) * 2;
		uint8_t *grown = realloc(notes->data, room);

		if (!grown)
			return img_fail_nomem(err);
		notes->data = grown;
		notes->room = room;
	}
	if (data)
		memcpy(notes->data + notes->len, data, len);
	else
		memset(notes->data + notes->len, 0, len);
	notes->len += len;
	return 0;
}

static int put_note(struct core_notes *notes, uint32_t type, const char *owner, const void *data, size_t len, struct img_err *err)
{
	Elf64_Nhdr head = { .n_namesz = strlen(owner) + 1, .n_descsz = len, .n_type = type };

	if (put(notes, &head, sizeof(head), err) < 0 || put(notes, owner, head.n_namesz, err) < 0 ||
		put(notes, NULL, -(size_t)head.n_namesz & 3, err) < 0 || put(notes, data, len, err) < 0)
		return -1;
	return put(notes, NULL, -len & 3, err);
}

void core_notes_free(struct core_notes *notes)
{
	free(notes->data);
	*notes = (struct core_notes){ 0 };
}

static void put32(uint8_t *at, uint32_t value)
{
	memcpy(at, &value, sizeof(value));
}

static void put64(uint8_t *at, uint64_t value)
{
	memcpy(at, &value, sizeof(value));
}

/* Up to n values of a list that may have fewer. */
static void put_words(uint8_t *at, const uint32_t *values, size_t have, size_t n)
{
	memcpy(at, values, (have < n ? have : n) * sizeof(*values));
}

static void put_longs(uint8_t *at, const uint64_t *values, size_t have, size_t n)
{
	memcpy(at, values, (have < n ? have : n) * sizeof(*values));
}

/* ---- registers, by architecture ---- */

#define REGS_MAX 40

/* In the order of struct user_regs_struct. */
static size_t x86_regs(const CoreEntry *core, uint64_t regs[REGS_MAX])
{
	const UserX86RegsEntry *r = core->thread_info->gpregs;
	const uint64_t all[] = { r->r15, r->r14, r->r13, r->r12, r->bp, r->bx, r->r11, r->r10, r->r9, r->r8, r->ax, r->cx, r->dx, r->si, r->di,
		r->orig_ax, r->ip, r->cs, r->flags, r->sp, r->ss, r->fs_base, r->gs_base, r->ds, r->es, r->fs, r->gs };

	memcpy(regs, all, sizeof(all));
	return ARRAY_SIZE(all);
}

/* struct user_pt_regs: x0 to x30, sp, pc, pstate. */
static size_t aarch64_regs(const CoreEntry *core, uint64_t regs[REGS_MAX])
{
	const UserAarch64RegsEntry *r = core->ti_aarch64->gpregs;

	memset(regs, 0, REGS_MAX * sizeof(*regs));
	put_longs((uint8_t *)regs, r->regs, r->n_regs, 31);
	regs[31] = r->sp;
	regs[32] = r->pc;
	regs[33] = r->pstate;
	return 34;
}

#define FXSAVE_SIZE 512
#define XSAVE_MAX   2696

/* Where the components are in the standard form; sizes are those of the processor's. */
enum { XSAVE_HEADER = 512, XSAVE_YMM = 576, XSAVE_BNDREG = 960, XSAVE_BNDCSR = 1024, XSAVE_OPMASK = 1088, XSAVE_ZMM = 1152,
	XSAVE_HI16_ZMM = 1664, XSAVE_PKRU = 2688 };

static void x86_fxsave(const UserX86FpregsEntry *fp, uint8_t *area)
{
	const uint16_t words[] = { fp->cwd, fp->swd, fp->twd, fp->fop };

	memcpy(area, words, sizeof(words));
	put64(area + 8, fp->rip);
	put64(area + 16, fp->rdp);
	put32(area + 24, fp->mxcsr);
	put32(area + 28, fp->mxcsr_mask);
	put_words(area + 32, fp->st_space, fp->n_st_space, 32);
	put_words(area + 160, fp->xmm_space, fp->n_xmm_space, 64);
}

/* Returns how long the area is. A debugger tells the layout by the components at 464 (struct _fpx_sw_bytes) and the size. */
static size_t x86_xsave(const UserX86FpregsEntry *fp, uint8_t *area)
{
	const UserX86XsaveEntry *xs = fp->xsave;
	uint64_t components = 3;
	size_t size = XSAVE_YMM;

	x86_fxsave(fp, area);
	put64(area + XSAVE_HEADER, xs->xstate_bv & 0x2ff);
	if (xs->n_ymmh_space) {
		put_words(area + XSAVE_YMM, xs->ymmh_space, xs->n_ymmh_space, 64);
		components |= 4;
		size = XSAVE_YMM + 256;
	}
	if (xs->n_bndreg_state) {
		put_longs(area + XSAVE_BNDREG, xs->bndreg_state, xs->n_bndreg_state, 8);
		put_longs(area + XSAVE_BNDCSR, xs->bndcsr_state, xs->n_bndcsr_state, 2);
		components |= 0x18;
		size = XSAVE_OPMASK;
	}
	if (xs->n_opmask_reg) {
		put_longs(area + XSAVE_OPMASK, xs->opmask_reg, xs->n_opmask_reg, 8);
		put_longs(area + XSAVE_ZMM, xs->zmm_upper, xs->n_zmm_upper, 64);
		put_longs(area + XSAVE_HI16_ZMM, xs->hi16_zmm, xs->n_hi16_zmm, 128);
		components |= 0xe0;
		size = XSAVE_PKRU;
	}
	if (xs->n_pkru) {
		put_words(area + XSAVE_PKRU, xs->pkru, xs->n_pkru, 2);
		components |= 0x200;
		size = XSAVE_MAX;
	}
	put64(area + 464, components);
	put64(area + XSAVE_HEADER, xs->xstate_bv & components);
	return size;
}

static int x86_more(struct core_notes *notes, const CoreEntry *core, struct img_err *err)
{
	const UserX86FpregsEntry *fp = core->thread_info->fpregs;
	uint8_t area[XSAVE_MAX] = { 0 };
	size_t size;

	if (!fp)
		return 0;
	x86_fxsave(fp, area);
	if (put_note(notes, NT_FPREGSET, "CORE", area, FXSAVE_SIZE, err) < 0 || !fp->xsave)
		return fp->xsave ? -1 : 0;
	size = x86_xsave(fp, area);
	return put_note(notes, NT_X86_XSTATE, "LINUX", area, size, err);
}

/* struct user_fpsimd_state: v0 to v31, fpsr, fpcr. */
static int aarch64_more(struct core_notes *notes, const CoreEntry *core, struct img_err *err)
{
	const UserAarch64FpsimdContextEntry *fp = core->ti_aarch64->fpsimd;
	uint8_t area[528] = { 0 };

	if (!fp)
		return 0;
	put_longs(area, fp->vregs, fp->n_vregs, 64);
	put32(area + 512, fp->fpsr);
	put32(area + 516, fp->fpcr);
	return put_note(notes, NT_FPREGSET, "CORE", area, sizeof(area), err);
}

static const struct arch {
	CoreEntry__March march;
	uint16_t machine;
	size_t (*regs)(const CoreEntry *core, uint64_t regs[REGS_MAX]);
	int (*more)(struct core_notes *notes, const CoreEntry *core, struct img_err *err);
	size_t info; /* the member of core_entry that must be there */
} archs[] = {
	{ CORE_ENTRY__MARCH__X86_64, EM_X86_64, x86_regs, x86_more, offsetof(CoreEntry, thread_info) },
	{ CORE_ENTRY__MARCH__AARCH64, EM_AARCH64, aarch64_regs, aarch64_more, offsetof(CoreEntry, ti_aarch64) },
};

static const struct arch *arch_of(const CoreEntry *core, struct img_err *err)
{
	for (size_t i = 0; i < ARRAY_SIZE(archs); i++) {
		const void *info = *(void *const *)((const char *)core + archs[i].info);

		if (archs[i].march != core->mtype || !info)
			continue;
		if (core->thread_info && core->thread_info->gpregs && core->thread_info->gpregs->has_mode &&
			core->thread_info->gpregs->mode == USER_X86_REGS_MODE__COMPAT)
			break;
		return &archs[i];
	}
	img_fail(err, IMG_UNSUPPORTED, "cores of this architecture (only 64-bit x86 and ARM)");
	return NULL;
}

/* ---- of a thread ---- */

/* struct elf_prstatus: signal, masks, ids and times, then the registers and whether there are others. */
#define PRSTATUS_HEAD 112

static int put_prstatus(struct core_notes *notes, const PstreeEntry *task, uint32_t tid, const CoreEntry *core, const struct arch *arch,
	struct img_err *err)
{
	uint8_t status[PRSTATUS_HEAD + REGS_MAX * 8 + 8] = { 0 };
	uint64_t regs[REGS_MAX], blocked = 0;
	size_t n = arch->regs(core, regs);

	if (core->thread_core && core->thread_core->has_blk_sigset)
		blocked = core->thread_core->blk_sigset;
	else if (core->tc)
		blocked = core->tc->blk_sigset;
	put64(status + 24, blocked);
	put32(status + 32, tid);
	put32(status + 36, task->ppid);
	put32(status + 40, task->pgid);
	put32(status + 44, task->sid);
	memcpy(status + PRSTATUS_HEAD, regs, n * 8);
	put32(status + PRSTATUS_HEAD + n * 8, 1);
	return put_note(notes, NT_PRSTATUS, "CORE", status, PRSTATUS_HEAD + n * 8 + 8, err);
}

/* ---- of the process ---- */

static int put_prpsinfo(struct core_notes *notes, struct memory *memory, const PstreeEntry *task, const CoreEntry *core, struct img_err *err)
{
	const MmEntry *mm = memory->mm;
	uint8_t info[136] = { 0 };
	size_t len = mm->mm_arg_end > mm->mm_arg_start ? mm->mm_arg_end - mm->mm_arg_start : 0;

	info[1] = core->tc && core->tc->task_state == X_STATE_STOPPED ? 'T' : 'S';
	if (core->thread_core && core->thread_core->has_sched_nice)
		info[3] = core->thread_core->sched_nice;
	put64(info + 8, core->tc ? core->tc->flags : 0);
	if (core->thread_core && core->thread_core->creds) {
		put32(info + 16, core->thread_core->creds->uid);
		put32(info + 20, core->thread_core->creds->gid);
	}
	put32(info + 24, task->pid);
	put32(info + 28, task->ppid);
	put32(info + 32, task->pgid);
	put32(info + 36, task->sid);
	if (core->tc)
		strncpy((char *)info + 40, core->tc->comm, 15);
	if (len > 79)
		len = 79;
	if (memory_copy(memory, mm->mm_arg_start, info + 56, len, err) < 0)
		return -1;
	for (size_t i = 0; i + 1 < len; i++)
		if (!info[56 + i])
			info[56 + i] = ' ';
	return put_note(notes, NT_PRPSINFO, "CORE", info, sizeof(info), err);
}

static int put_siginfo(struct core_notes *notes, const CoreEntry *core, struct img_err *err)
{
	uint8_t info[128] = { 0 };

	if (core->tc && core->tc->has_stop_signo)
		put32(info, core->tc->stop_signo);
	return put_note(notes, NT_SIGINFO, "CORE", info, sizeof(info), err);
}

static int put_auxv(struct core_notes *notes, const MmEntry *mm, struct img_err *err)
{
	size_t n = mm->n_mm_saved_auxv;
	cleanup_free uint64_t *auxv = calloc(n + 2, sizeof(*auxv));

	if (!auxv)
		return img_fail_nomem(err);
	put_longs((uint8_t *)auxv, mm->mm_saved_auxv, n, n);
	/* The closing pair is not always saved. */
	if (n < 2 || auxv[(n & ~1u) - 2])
		n = (n & ~(size_t)1) + 2;
	return put_note(notes, NT_AUXV, "CORE", auxv, n * sizeof(*auxv), err);
}

static bool is_named(const struct x *x, const VmaEntry *vma)
{
	return memory_is_file(vma) && objects_find(&x->objects, FD_TYPES__REG, vma->shmid);
}

static int put_files(struct core_notes *notes, const struct x *x, const MmEntry *mm, struct img_err *err)
{
	struct core_notes desc = { 0 };
	uint64_t head[2] = { 0, IMG_PAGE };
	int ret;

	for (size_t i = 0; i < mm->n_vmas; i++)
		head[0] += is_named(x, mm->vmas[i]);
	ret = put(&desc, head, sizeof(head), err);
	for (size_t i = 0; i < mm->n_vmas && ret == 0; i++) {
		const uint64_t place[] = { mm->vmas[i]->start, mm->vmas[i]->end, mm->vmas[i]->pgoff / IMG_PAGE };

		if (is_named(x, mm->vmas[i]))
			ret = put(&desc, place, sizeof(place), err);
	}
	for (size_t i = 0; i < mm->n_vmas && ret == 0; i++) {
		const char *path = is_named(x, mm->vmas[i]) ? objects_path(&x->objects, mm->vmas[i]->shmid) : NULL;

		if (path)
			ret = put(&desc, path, strlen(path) + 1, err);
	}
	if (ret == 0 && head[0])
		ret = put_note(notes, NT_FILE, "CORE", desc.data, desc.len, err);
	core_notes_free(&desc);
	return ret;
}

static int put_thread(struct core_notes *notes, struct memory *memory, const PstreeEntry *task, uint32_t tid, struct img_err *err)
{
	const struct arch *arch;
	CoreEntry *core;
	int ret = x_read_core(memory->x, tid, &core, err);

	if (ret < 0)
		return -1;
	if (ret == 0)
		return img_fail(err, IMG_CORRUPT, "core-%" PRIu32 ".img is missing", tid);
	arch = arch_of(core, err);
	ret = arch ? put_prstatus(notes, task, tid, core, arch, err) : -1;
	if (ret == 0 && tid == task->pid) {
		notes->machine = arch->machine;
		if (put_prpsinfo(notes, memory, task, core, err) < 0 || put_siginfo(notes, core, err) < 0 ||
			put_auxv(notes, memory->mm, err) < 0 || put_files(notes, memory->x, memory->mm, err) < 0)
			ret = -1;
	}
	if (ret == 0)
		ret = arch->more(notes, core, err);
	img_message_free(&core->base);
	return ret;
}

int core_notes_make(struct core_notes *notes, struct memory *memory, const PstreeEntry *task, struct img_err *err)
{
	int ret = put_thread(notes, memory, task, task->pid, err);

	for (size_t i = 0; i < x_thread_count(task) && ret == 0; i++)
		if (x_thread_id(task, i) != task->pid)
			ret = put_thread(notes, memory, task, x_thread_id(task, i), err);
	return ret;
}
