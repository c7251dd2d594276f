/* engines/mem/mm/mm-restore.c -- the address space of a task: its record read whole and checked, and the
 * moments of mem/. */

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "criu-restore/files.h"
#include "criu-restore/lazy.h"
#include "criu-restore/mem.h"
#include "criu-restore/plan.h"
#include "criuimg/array.h"
#include "criuimg/cleanup.h"
#include "criuimg/image.h"
#include "plugin/plugin.h"

/* What can be said of a mapping and not be made again. */
static const struct {
	uint32_t status;
	const char *what;
} refused[] = {
	{ IMG_VMA_SOCKET, "a mapped packet socket" },
	{ IMG_VMA_SHSTK, "a shadow stack" },
	{ IMG_VMA_UPROBES, "uprobes" },
	{ IMG_VMA_UNSUPPORTED, "a mapping that its dump did not support" },
};

#define MADV_KNOWN                                                                                           \
	(IMG_MADV(MADV_RANDOM) | IMG_MADV(MADV_SEQUENTIAL) | IMG_MADV(MADV_DONTFORK) |                       \
		IMG_MADV(MADV_MERGEABLE) | IMG_MADV(MADV_HUGEPAGE) | IMG_MADV(MADV_NOHUGEPAGE) |             \
		IMG_MADV(MADV_DONTDUMP) | IMG_MADV(MADV_WIPEONFORK))

#ifndef SYS_mseal
#define SYS_mseal 462
#endif

enum {
	WORKER_TIDS = 64,
	NODE_WORDS = 1024 / 64, /* nodes of memory, as many as the kernel can be built for */
};

/* ---- the record ---- */

/* Sets of CRIU before 1.3 have the mappings of a task in an image of their own. */
static int read_old_vmas(struct restore *r, struct restore_task *t, struct img_err *err)
{
	struct img_reader *reader;
	ProtobufCMessage *msg;
	size_t room = 0;
	int ret = img_reader_open(r->set, IMG_VMAS, t->pid, &reader, err);

	if (ret <= 0)
		return ret;
	while ((ret = img_read(reader, &msg, err)) > 0) {
		VmaEntry **at = img_array_more(&t->mm->vmas, t->mm->n_vmas, &room);

		if (!at) {
			img_message_free(msg);
			ret = img_fail_nomem(err);
			break;
		}
		*at = (VmaEntry *)msg;
		t->mm->n_vmas++;
	}
	img_reader_close(reader);
	return ret;
}

/* Mappings ascend; guard regions follow, each inside of a mapping. */
static int check_order(const MmEntry *mm, struct img_err *err)
{
	uint64_t upto = 0;
	bool guards = false;

	for (size_t i = 0; i < mm->n_vmas; i++) {
		const VmaEntry *e = mm->vmas[i];

		if (e->start >= e->end || (e->start | e->end) % IMG_PAGE)
			return img_fail(err, IMG_CORRUPT, "mapping %#" PRIx64 "-%#" PRIx64, e->start, e->end);
		if (e->status & IMG_VMA_GUARD) {
			guards = true;
			continue;
		}
		if (guards || e->start < upto)
			return img_fail(err, IMG_CORRUPT,
				"mapping %#" PRIx64 " comes after one that ends at %#" PRIx64, e->start,
				upto);
		upto = e->end;
	}
	return 0;
}

int restore_mem_records(struct restore *r, struct restore_task *t, struct img_err *err)
{
	if (!t->mm->n_vmas && read_old_vmas(r, t, err) < 0)
		return -1;
	if (check_order(t->mm, err) < 0)
		return img_wrap(err, "mm-%d.img", t->pid);
	return 0;
}

/* ---- plan ---- */

static int check_vma(const struct restore *r, const VmaEntry *e, struct img_err *err)
{
	const uint32_t kinds =
		IMG_VMA_FILE_PRIVATE | IMG_VMA_FILE_SHARED | IMG_VMA_ANON_PRIVATE | IMG_VMA_ANON_SHARED;
	uint32_t kind = e->status & kinds;

	for (size_t i = 0; i < ARRAY_SIZE(refused); i++)
		if (e->status & refused[i].status)
			return img_fail(err, IMG_UNSUPPORTED, "%s is not supported", refused[i].what);
	if (e->status & ~IMG_VMA_STATUS_ALL)
		return img_fail(err, IMG_UNSUPPORTED, "status %#x is not known", e->status);
	if (e->status & (IMG_VMA_VSYSCALL | IMG_VMA_GUARD | IMG_VMA_AIORING))
		return 0;
	if (e->end > r->task_top)
		return img_fail(err, IMG_UNSUPPORTED, "above what this host's address space has");
	if (!kind || kind & (kind - 1))
		return img_fail(err, IMG_CORRUPT, "status %#x", e->status);
	if (!(e->flags & (IMG_MAP_SHARED | IMG_MAP_PRIVATE | IMG_MAP_DROPPABLE)))
		return img_fail(err, IMG_CORRUPT, "flags %#x", e->flags);
	if (e->prot & ~(uint32_t)(PROT_READ | PROT_WRITE | PROT_EXEC))
		return img_fail(err, IMG_UNSUPPORTED, "protection %#x is not known", e->prot);
	/* Of nothing it does nothing. */
	if (e->sealed && syscall(SYS_mseal, 0, 0, 0) < 0)
		return img_fail(err, IMG_UNSUPPORTED, "sealed, and this kernel has no mseal");
	if (e->status & IMG_VMA_EXT_PLUGIN && !plugins_hook(r->plugins, CR_PLUGIN_HOOK__UPDATE_VMA_MAP, 0))
		return img_fail(err, IMG_UNSUPPORTED, "memory of a device, saved by a plugin that is not here (see --libdir)");
	if (e->n_mempolicy_nodes > NODE_WORDS)
		return img_fail(err, IMG_UNSUPPORTED, "more nodes of memory than there can be");
	if (e->madv & ~MADV_KNOWN)
		return img_fail(err, IMG_UNSUPPORTED, "advice %#llx is not known",
			(unsigned long long)(e->madv & ~MADV_KNOWN));
	if (kind & (IMG_VMA_FILE_PRIVATE | IMG_VMA_FILE_SHARED) &&
		(e->shmid > UINT32_MAX || !restore_find_file(r, e->shmid)))
		return img_fail(err, IMG_CORRUPT, "there is no file %" PRIu64, e->shmid);
	return 0;
}

/* Does every page of the map belong to a mapping that is private? */
static int check_pages(struct restore_task *t, const struct img_pages_reader *pages, struct img_err *err)
{
	size_t nr, k = 0;
	const struct img_run *runs = img_pages_runs(pages, &nr);

	for (size_t i = 0; i < nr; i++) {
		uint64_t at = runs[i].addr, end = at + runs[i].nr_pages * IMG_PAGE;

		while (at < end) {
			const VmaEntry *e;

			while (k < t->mm->n_vmas &&
				(t->mm->vmas[k]->end <= at || t->mm->vmas[k]->status & IMG_VMA_GUARD))
				k++;
			e = k < t->mm->n_vmas ? t->mm->vmas[k] : NULL;
			/* The pages of a ring come with the task too. */
			if (!e || e->start > at || !(restore_vma_private(e) || e->status & IMG_VMA_AIORING))
				return img_fail(err, IMG_CORRUPT,
					"a page at %#" PRIx64 " is in no private mapping", at);
			at = e->end;
		}
	}
	return 0;
}

static int plan_vmas(struct restore *r, struct restore_task *t, struct img_err *err)
{
	for (size_t i = 0; i < t->mm->n_vmas; i++) {
		const VmaEntry *e = t->mm->vmas[i];

		if (check_vma(r, e, err) == 0)
			continue;
		img_wrap(err, "pid %d: mapping %#" PRIx64 "-%#" PRIx64, t->pid, e->start, e->end);
		if (err->code != IMG_UNSUPPORTED || restore_plan_lack(r, err) < 0)
			return -1;
	}
	return 0;
}

static int plan_pages(struct restore *r, struct restore_task *t, struct img_err *err)
{
	struct img_pages_reader *pages;
	int ret = img_pages_open(r->set, IMG_PAGEMAP, t->pid, &pages, err);

	if (ret == 0)
		img_fail(err, IMG_CORRUPT, "it has no page map");
	if (ret > 0) {
		ret = check_pages(t, pages, err) < 0 ? -1 : 1;
		img_pages_close(pages);
	}
	return ret <= 0 ? img_wrap(err, "pid %d", t->pid) : 0;
}

/* Is this number a process, thread, group or session of the image? */
static bool tid_in_use(const struct restore *r, int tid)
{
	for (size_t i = 0; i < r->nr_tasks; i++) {
		const struct restore_task *t = &r->tasks[i];

		if (t->pid == tid || t->pgid == tid || t->sid == tid)
			return true;
		for (size_t k = 0; k < t->nr_threads; k++)
			if (t->threads[k].tid == tid)
				return true;
	}
	return false;
}

/* Numbers for threads of our own: the highest ones. */
static int choose_worker_tids(struct restore *r, struct img_err *err)
{
	cleanup_file FILE *f = fopen("/proc/sys/kernel/pid_max", "re");
	struct restore_mem *mem = r->mem;
	int max;

	if (!f || fscanf(f, "%d", &max) != 1)
		return 0; /* one thread will do */
	mem->worker_tids = img_arena_array(&r->arena, WORKER_TIDS, sizeof(*mem->worker_tids));
	if (!mem->worker_tids)
		return img_fail_nomem(err);
	for (int tid = max - 1; tid > max / 2 && mem->nr_worker_tids < WORKER_TIDS; tid--)
		if (!tid_in_use(r, tid))
			mem->worker_tids[mem->nr_worker_tids++] = tid;
	return 0;
}

struct restore_mem *restore_mem_get(struct restore *r, struct img_err *err)
{
	if (!r->mem)
		r->mem = calloc(1, sizeof(*r->mem));
	if (!r->mem)
		img_fail_nomem(err);
	return r->mem;
}

int restore_mem_plan(struct restore *r, struct img_err *err)
{
	if (!restore_mem_get(r, err) || restore_memfds_read(r, err) < 0)
		return -1;
	for (size_t i = 0; i < r->nr_tasks; i++)
		if (restore_task_lives(&r->tasks[i]) &&
			(plan_vmas(r, &r->tasks[i], err) < 0 || plan_pages(r, &r->tasks[i], err) < 0))
			return -1;
	if (restore_shmem_plan(r, err) < 0 || choose_worker_tids(r, err) < 0)
		return -1;
	return restore_lazy_plan(r, err);
}

int restore_mem_start(struct restore *r, struct img_err *err)
{
	return restore_shmem_start(r, err) < 0 ? -1 : restore_memfds_start(r, err);
}

int restore_mem_premap(struct restore *r, struct restore_task *t, struct img_err *err)
{
	return restore_pages_premap(r, t, err);
}

int restore_mem_resume(struct restore *r, struct img_err *err)
{
	return restore_memfds_seal(r, err);
}

void restore_mem_free(struct restore *r)
{
	if (!r->mem)
		return;
	for (size_t i = 0; i < r->mem->nr_memfds; i++)
		img_message_free(&r->mem->memfds[i].rec->base);
	free(r->mem->memfds);
	free(r->mem->segments);
	free(r->mem->here);
	free(r->mem);
	r->mem = NULL;
}
