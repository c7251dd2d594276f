/* validate/mappings.c -- the mappings of each task: in order, and of files that are there. */

#include "validate/validate.h"

#include <inttypes.h>
#include <stdio.h>

#include "criuimg/vma.h"
#include "fdinfo.pb-c.h"
#include "ipc-shm.pb-c.h"

#define LLU(x) ((unsigned long long)(x))

/* The file of a mapping: a regular one, unless it is of a memfd. */
static void file_check(struct validate *v, const struct val_record *r, const VmaEntry *vma, const char *field)
{
	bool memfd = vma->status & IMG_VMA_MEMFD;
	uint32_t type = memfd ? FD_TYPES__MEMFD : FD_TYPES__REG;

	if (val_files_partial(v))
		return;
	if (vma->shmid > UINT32_MAX || !val_open_file(v, type, vma->shmid))
		val_error(v, val_at(r, field), "no %s %#llx is in the set", memfd ? "memfd" : "regular file",
			LLU(vma->shmid));
}

static void socket_check(
	struct validate *v, const struct val_record *r, const VmaEntry *vma, const char *field)
{
	if (!val_files_partial(v) && !val_open_file(v, FD_TYPES__PACKETSK, vma->shmid))
		val_error(v, val_at(r, field), "no packet socket %#llx is in the set", LLU(vma->shmid));
}

/* A System V segment is in one of the images of its kind. */
static void sysvipc_check(
	struct validate *v, const struct val_record *r, const VmaEntry *vma, const char *field)
{
	const struct val_records *shms = &v->records[IMG_IPCNS_SHM];

	/* The namespace was the host's: its segments are not dumped. */
	if (!shms->nr || val_broken(v, IMG_IPCNS_SHM))
		return;
	for (size_t i = 0; i < shms->nr; i++)
		if (((const IpcShmEntry *)shms->list[i].msg)->desc->id == vma->shmid)
			return;
	val_error(v, val_at(r, field), "no System V segment %llu is in the set", LLU(vma->shmid));
}

static const struct {
	uint32_t status;
	void (*check)(struct validate *v, const struct val_record *r, const VmaEntry *vma, const char *field);
} of_what[] = {
	{ IMG_VMA_FILE_PRIVATE | IMG_VMA_FILE_SHARED, file_check },
	{ IMG_VMA_SOCKET, socket_check },
	{ IMG_VMA_SYSVIPC, sysvipc_check },
};

static void vma_check(struct validate *v, const struct val_record *r, const VmaEntry *vma, const char *name)
{
	if (vma->start >= vma->end || vma->start % IMG_PAGE || vma->end % IMG_PAGE)
		val_error(v, val_at(r, name), "%#llx to %#llx is no range of pages", LLU(vma->start),
			LLU(vma->end));
	if (vma->status & IMG_VMA_UNSUPPORTED)
		val_unsupported(v, val_at(r, val_field(v, "%s.status", name)),
			"the writer says that it cannot be restored");
	else if (vma->status & ~IMG_VMA_STATUS_ALL)
		val_unsupported(v, val_at(r, val_field(v, "%s.status", name)),
			"bits %#x are not known to this program", vma->status & ~IMG_VMA_STATUS_ALL);
	if (!(vma->flags & (IMG_MAP_SHARED | IMG_MAP_PRIVATE | IMG_MAP_DROPPABLE)) &&
		!(vma->status & IMG_VMA_GUARD))
		val_error(v, val_at(r, val_field(v, "%s.flags", name)), "%#x: neither shared nor private",
			vma->flags);
	for (size_t i = 0; i < sizeof(of_what) / sizeof(*of_what); i++)
		if (vma->status & of_what[i].status && vma->status & IMG_VMA_REGULAR) {
			of_what[i].check(v, r, vma, val_field(v, "%s.shmid", name));
			break;
		}
}

static void order_check(
	struct validate *v, const struct val_record *r, const VmaEntry *vma, uint64_t floor, const char *name)
{
	if (vma->start < floor)
		val_error(v, val_at(r, name), "%#llx to %#llx: the one before ends at %#llx", LLU(vma->start),
			LLU(vma->end), LLU(floor));
}

static void guard_check(struct validate *v, const struct val_record *r, const MmEntry *mm,
	const VmaEntry *guard, const char *name)
{
	uint64_t at = guard->start;

	/* It may be over several mappings that follow each other. */
	for (size_t i = 0; i < mm->n_vmas && at < guard->end; i++)
		if (!(mm->vmas[i]->status & IMG_VMA_GUARD) && mm->vmas[i]->start <= at &&
			mm->vmas[i]->end > at)
			at = mm->vmas[i]->end;
	if (at < guard->end)
		val_error(v, val_at(r, name), "no mapping at %#llx for the guard region %#llx to %#llx",
			LLU(at), LLU(guard->start), LLU(guard->end));
}

static void aio_check(struct validate *v, const struct val_record *r, const MmEntry *mm)
{
	for (size_t i = 0; i < mm->n_aios; i++) {
		size_t k = 0;

		while (k < mm->n_vmas && mm->vmas[k]->start != mm->aios[i]->id)
			k++;
		if (k == mm->n_vmas)
			val_error(v, val_at(r, val_field(v, "aios[%zu].id", i)), "no mapping starts at %#llx",
				LLU(mm->aios[i]->id));
		else if (!(mm->vmas[k]->status & IMG_VMA_AIORING))
			val_error(v, val_at(r, val_field(v, "aios[%zu].id", i)),
				"the mapping at %#llx is no ring", LLU(mm->aios[i]->id));
	}
}

/* 32-bit code on x86: a pair of its words is one of ours. */
static bool is_compat(const struct validate *v, const MmEntry *mm)
{
	for (size_t i = 0; i < v->nr_tasks; i++) {
		const CoreEntry *core = v->tasks[i].mm == mm ? v->tasks[i].core : NULL;

		if (core && core->thread_info)
			return core->thread_info->gpregs->mode == USER_X86_REGS_MODE__COMPAT;
	}
	return false;
}

static void mm_check(struct validate *v, const struct val_record *r)
{
	const MmEntry *mm = (const MmEntry *)r->msg;
	uint64_t floor = 0, guard_floor = 0;

	for (size_t i = 0; i < mm->n_vmas && !v->stop; i++) {
		const VmaEntry *vma = mm->vmas[i];
		bool guard = vma->status & IMG_VMA_GUARD;
		char name[32];

		snprintf(name, sizeof(name), "vmas[%zu]", i);
		vma_check(v, r, vma, name);
		order_check(v, r, vma, guard ? guard_floor : floor, val_field(v, "%s", name));
		*(guard ? &guard_floor : &floor) = vma->end;
		if (guard)
			guard_check(v, r, mm, vma, val_field(v, "%s", name));
	}
	if (mm->mm_saved_auxv && mm->n_mm_saved_auxv % 2 && !is_compat(v, mm))
		val_error(v, val_at(r, "mm_saved_auxv"), "%zu words are no pairs", mm->n_mm_saved_auxv);
	aio_check(v, r, mm);
}

int val_mappings(struct validate *v, struct img_err *err)
{
	const struct val_records *mms = &v->records[IMG_MM], *vmas = &v->records[IMG_VMAS];

	for (size_t i = 0; i < mms->nr; i++)
		mm_check(v, &mms->list[i]);
	/* Old sets: a record per mapping in an image of their own. */
	for (size_t i = 0; i < vmas->nr; i++) {
		bool first = i == 0 || vmas->list[i - 1].image != vmas->list[i].image;
		const VmaEntry *before = first ? NULL : (const VmaEntry *)vmas->list[i - 1].msg;

		vma_check(v, &vmas->list[i], (const VmaEntry *)vmas->list[i].msg, "");
		order_check(
			v, &vmas->list[i], (const VmaEntry *)vmas->list[i].msg, before ? before->end : 0, "");
	}
	return 0;
}
