/* engines/mem/vma/vma-restore.c -- the list of a task's mappings for its blob: what is moved into place,
 * what is mapped there. */

#include <fcntl.h>
#include <inttypes.h>
#include <linux/mempolicy.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/shm.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "criu-restore/files.h"
#include "criu-restore/lazy.h"
#include "criu-restore/mem.h"
#include "criu-restore/tape.h"
#include "criuimg/array.h"
#include "criuimg/cleanup.h"
#include "plugin/plugin.h"

#ifndef MADV_GUARD_INSTALL
#define MADV_GUARD_INSTALL 102
#endif
#ifndef SYS_mseal
#define SYS_mseal 462
#endif

/* Flags that go to mmap(2) as they are. */
#define MAP_KEEP                                                                                             \
	(IMG_MAP_SHARED | IMG_MAP_PRIVATE | IMG_MAP_DROPPABLE | IMG_MAP_ANON | IMG_MAP_GROWSDOWN |           \
		IMG_MAP_LOCKED | IMG_MAP_NORESERVE | IMG_MAP_HUGETLB |                                       \
		IMG_MAP_HUGE_MASK << IMG_MAP_HUGE_SHIFT)

enum {
	FILES_OPEN = 1000, /* as many as stay open until the mappings are made */
};

/* A file opened for mappings: many of them are of the same. */
struct opened {
	uint64_t id;
	int flags;
	int fd;
};

struct work {
	struct restore *r;
	struct restore_task *t;
	struct opened *files;
	size_t nr_files, room_files;
};

static int open_file(struct work *w, const VmaEntry *e, int *fd, struct img_err *err)
{
	int flags = e->has_fdflags ? (int)e->fdflags : -1;
	struct opened *f;

	for (size_t i = w->nr_files; i--;) {
		if (w->files[i].id == e->shmid && w->files[i].flags == flags) {
			*fd = w->files[i].fd;
			return 0;
		}
	}
	if (e->shmid > UINT32_MAX || restore_open_file(w->r, w->t, e->shmid, flags, fd, err) < 0)
		return img_wrap(err, "file %" PRIu64, e->shmid);
	if (w->nr_files == FILES_OPEN)
		return 0;
	f = img_array_more(&w->files, w->nr_files, &w->room_files);
	if (!f)
		return img_fail_nomem(err);
	*f = (struct opened){ e->shmid, flags, *fd };
	w->nr_files++;
	return 0;
}

/* Of tens of thousands of files: mapped at once, to be moved, since so many cannot be open. */
static int map_and_close(struct work *w, const VmaEntry *e, struct blob_vma *v, struct img_err *err)
{
	cleanup_fd int fd = steal_fd(&v->fd);
	uint64_t at = restore_scratch_take(w->r, e->end - e->start, err);

	if (!at)
		return -1;
	if (mmap((void *)at, e->end - e->start, (int)e->prot, MAP_SHARED | MAP_FIXED | (v->flags & MAP_NORESERVE), fd, (off_t)e->pgoff) ==
		MAP_FAILED)
		return img_fail_sys(err, "map it");
	v->premap = at;
	v->premap_prot = e->prot;
	return 0;
}

static bool stays_open(const struct work *w, int fd)
{
	for (size_t i = w->nr_files; i--;)
		if (w->files[i].fd == fd)
			return true;
	return false;
}

static int open_segment(struct work *w, const VmaEntry *e, int *fd, struct img_err *err)
{
	const struct restore_segment *s = restore_segment_find(w->r, e->shmid);

	if (!s)
		return img_fail(err, IMG_CORRUPT, "shared memory %#" PRIx64 " is not known", e->shmid);
	*fd = s->fd;
	return 0;
}

/* Memory of a device: a plugin may know better where it is now. */
static int ask_plugins(struct work *w, const VmaEntry *e, struct blob_vma *v, struct img_err *err)
{
	const struct restore_file *f = restore_find_file(w->r, e->shmid);
	const char *path = f && f->rec->reg ? f->rec->reg->name : "";
	uint64_t pgoff = v->pgoff;
	int fd = -1, ret = plugins_ask(w->r->plugins, CR_PLUGIN_HOOK__UPDATE_VMA_MAP, path, e->start, e->pgoff, &pgoff, &fd);

	if (ret < 0 && ret != -ENOTSUP) {
		errno = -ret;
		return img_fail_sys(err, "a plugin fails");
	}
	if (ret == 1) {
		v->pgoff = pgoff;
		v->fd = fd >= 0 ? fd : v->fd;
	}
	return 0;
}

static bool has_guards(const MmEntry *mm, const VmaEntry *e)
{
	for (size_t i = mm->n_vmas; i-- && mm->vmas[i]->status & IMG_VMA_GUARD;)
		if (mm->vmas[i]->start < e->end && mm->vmas[i]->end > e->start)
			return true;
	return false;
}

/* Must it be locked in another way than as a whole, and successfully? */
static bool lock_is_special(const MmEntry *mm, const VmaEntry *e)
{
	return e->flags & IMG_MAP_LOCKED && (e->lock_on_fault || has_guards(mm, e));
}

/* Attached by its identifier, whole; nothing of it is in a descriptor. */
static int fill_attached(const VmaEntry *e, struct blob_vma *v, struct img_err *err)
{
	bool huge = e->flags & IMG_MAP_HUGETLB;
	uint64_t page = huge ? 1ull << (e->flags >> IMG_MAP_HUGE_SHIFT & IMG_MAP_HUGE_MASK) : IMG_PAGE;
	struct shmid_ds ds;

	if (shmctl((int)e->shmid, IPC_STAT, &ds) < 0)
		return img_fail_sys(err, "System V segment %" PRIu64, e->shmid);
	v->shmid = e->shmid;
	v->shmsize = (ds.shm_segsz + page - 1) & ~(page - 1);
	if (e->pgoff > v->shmsize || e->end - e->start > v->shmsize - e->pgoff || e->pgoff > e->start)
		return img_fail(err, IMG_CORRUPT, "%" PRIu64 " bytes at %" PRIu64 " of System V segment %" PRIu64 ", which has %" PRIu64,
			e->end - e->start, e->pgoff, e->shmid, v->shmsize);
	/* As it was attached: with that it may be protected otherwise now, and again later. */
	v->premap_prot = PROT_READ | (e->prot & PROT_WRITE || (e->has_fdflags && (e->fdflags & O_ACCMODE) == O_RDWR) ? PROT_WRITE : 0) |
			 (e->prot & PROT_EXEC);
	return 0;
}

static int fill_vma(struct work *w, const VmaEntry *e, struct blob_vma *v, struct img_err *err)
{
	*v = (struct blob_vma){
		.start = e->start,
		.end = e->end,
		.prot = e->prot,
		.flags = e->flags & MAP_KEEP,
		.status = e->status,
		.fd = -1,
		.pgoff = e->pgoff,
		.madv = e->madv,
	};
	if (lock_is_special(w->t->mm, e))
		v->flags &= ~(uint32_t)IMG_MAP_LOCKED;
	if (restore_vma_private(e))
		v->premap = restore_premapped_at(w->r, e->start);
	if (v->premap) {
		v->premap_prot = PROT_READ | PROT_WRITE;
		return 0;
	}
	if (e->status & IMG_VMA_SYSVIPC)
		return fill_attached(e, v, err);
	if (e->status & IMG_VMA_ANON_SHARED) {
		/* Its pages are the segment's: not anonymous for who maps it. Page size and reserve are the
		 * segment's too. */
		v->flags &= IMG_MAP_SHARED | IMG_MAP_LOCKED;
		return open_segment(w, e, &v->fd, err);
	}
	if (e->status & (IMG_VMA_FILE_PRIVATE | IMG_VMA_FILE_SHARED)) {
		v->flags &= ~(IMG_MAP_HUGETLB | IMG_MAP_HUGE_MASK << IMG_MAP_HUGE_SHIFT | IMG_MAP_ANON);
		if (open_file(w, e, &v->fd, err) < 0)
			return -1;
		if (e->status & IMG_VMA_EXT_PLUGIN)
			return ask_plugins(w, e, v, err);
		return w->nr_files < FILES_OPEN || stays_open(w, v->fd) || e->flags & IMG_MAP_HUGETLB || !(e->status & IMG_VMA_FILE_SHARED)
			       ? 0
			       : map_and_close(w, e, v, err);
	}
	return 0;
}

/* The kernel's own areas come from the kernel; guard regions are no mappings. */
static bool in_list(const VmaEntry *e)
{
	/* The vdso is the room's of that name, as are rings of aio. */
	return !(e->status & (IMG_VMA_AIORING | IMG_VMA_VSYSCALL | IMG_VMA_VDSO | IMG_VMA_VVAR | IMG_VMA_GUARD));
}

int restore_mem_rest(struct restore *r, struct restore_task *t, struct img_err *err)
{
	struct work w = { .r = r, .t = t };
	int ret = 0;

	t->vmas = calloc(t->mm->n_vmas, sizeof(*t->vmas));
	if (!t->vmas)
		return img_fail_nomem(err);
	for (size_t i = 0; i < t->mm->n_vmas && !ret; i++) {
		const VmaEntry *e = t->mm->vmas[i];

		if (!in_list(e))
			continue;
		ret = fill_vma(&w, e, &t->vmas[t->nr_vmas], err);
		if (ret < 0)
			img_wrap(err, "mapping %#" PRIx64 "-%#" PRIx64, e->start, e->end);
		t->nr_vmas++;
	}
	free(w.files);
	return ret;
}

/* Locking that is not the spine's (see fill_vma()), and sealing. */
static void tape_last(const MmEntry *mm, bool guards, struct restore_tape *tape)
{
	for (size_t i = 0; i < mm->n_vmas; i++) {
		const VmaEntry *e = mm->vmas[i];
		uint64_t size = e->end - e->start;
		struct blob_step *step;

		if (!(e->sealed || e->flags & IMG_MAP_LOCKED) || has_guards(mm, e) != guards)
			continue;
		if (lock_is_special(mm, e)) {
			step = tape_step(tape, TAPE_PROTECT, "lock memory", SYS_mlock2, e->start, size,
				e->lock_on_fault ? MLOCK_ONFAULT : 0);
			/* It locks all, and then says that it could not touch a guard region. */
			step->flags = guards ? BLOB_MAY_FAIL : 0;
		}
		if (e->sealed)
			tape_step(tape, TAPE_PROTECT, "seal a mapping", SYS_mseal, e->start, size);
	}
}

/* Where the memory comes from: for what is there already, too. */
static void tape_policy(const VmaEntry *e, struct restore_tape *tape)
{
	size_t size = e->n_mempolicy_nodes * sizeof(uint64_t);
	uint64_t nodes = size ? tape_data(tape, e->mempolicy_nodes, size) : 0;
	char what[64];

	snprintf(what, sizeof(what), "set memory policy of %" PRIx64, e->start);
	/* The kernel leaves the last bit out of account. */
	tape_step(tape, TAPE_PROTECT, what, SYS_mbind, e->start, e->end - e->start, (int32_t)e->mempolicy, nodes,
		size ? size * 8 + 1 : 0, MPOL_MF_MOVE);
}

/* Guard regions cannot be made in memory that is locked, and mark the mapping they are in: by then it has
 * to be told from its neighbours by all that tells it from them. */
int restore_mem_tape(
	struct restore *r, struct restore_task *t, struct restore_tape *tape, struct img_err *err)
{
	const MmEntry *mm = t->mm;

	for (size_t i = 0; i < mm->n_vmas; i++)
		if (mm->vmas[i]->has_mempolicy && in_list(mm->vmas[i]))
			tape_policy(mm->vmas[i], tape);
	tape_last(mm, false, tape);
	for (size_t i = 0; i < mm->n_vmas; i++)
		if (mm->vmas[i]->status & IMG_VMA_GUARD)
			tape_step(tape, TAPE_PROTECT, "guard region", SYS_madvise, mm->vmas[i]->start,
				mm->vmas[i]->end - mm->vmas[i]->start, MADV_GUARD_INSTALL);
	tape_last(mm, true, tape);
	/* The last of all memory is mapped, and the limit that counts is not there yet. */
	if (mm->lock_future)
		tape_step(tape, TAPE_TIMERS, "lock what is mapped later", SYS_mlockall, mm->lock_future);
	return restore_lazy_tape(r, t, tape, err);
}
