/* engines/mem/pages/pages-restore.c -- private memory: mapped into the scratch and filled, before the
 * children are made.
 *
 * Only mappings that have pages in the page map are made here; the others cost nothing and are mapped by
 * the blob at their addresses. What this process inherited from the one that made it stays where it is when
 * it is a mapping of this task too.
 */

#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "criu-restore/files.h"
#include "criu-restore/lazy.h"
#include "criu-restore/mem.h"
#include "criu-restore/stream.h"
#include "criuimg/array.h"
#include "criuimg/cleanup.h"

#define HUGE_2M (2ull << 20)
#define HUGE_1G (1ull << 30)

/* A mapping of the task that is to lie in the scratch. */
struct item {
	const VmaEntry *e;
	uint64_t at;
	bool inherited;
};

struct work {
	struct restore *r;
	struct restore_task *t;
	struct img_pages_reader *pages;
	struct item *items;
	size_t nr, room;
	struct restore_pieces pieces;
	/* the file opened last: a library's mappings follow each other */
	uint32_t file_id;
	int file_flags, file_fd;
};

uint64_t restore_premapped_at(const struct restore *r, uint64_t start)
{
	const struct restore_mem *mem = r->mem;
	size_t low = 0, high = mem->nr_here;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (mem->here[mid].is.start < start)
			low = mid + 1;
		else
			high = mid;
	}
	return low < mem->nr_here && mem->here[low].is.start == start ? mem->here[low].at : 0;
}

/* Which of its pages are read now, and are there some that come later? */
static void look(const struct work *w, const VmaEntry *e, bool *now, bool *later)
{
	size_t nr, i = img_pages_find(w->pages, e->start);
	const struct img_run *runs = img_pages_runs(w->pages, &nr);

	*now = *later = false;
	for (; i < nr && runs[i].addr < e->end; i++) {
		if (!restore_lazy_run(w->r, w->t, e, &runs[i]))
			*now = true;
		else
			*later = true;
		if (!w->r->lazy)
			return;
	}
}

/* ---- what was inherited ---- */

/* What two mappings must have in common for the pages of one to be those of the other. Advice about huge
 * pages cannot be taken back. */
bool restore_same_kind(const VmaEntry *a, const VmaEntry *b)
{
	const uint32_t flags = ~(uint32_t)IMG_MAP_LOCKED;
	const uint64_t advice = IMG_MADV(MADV_HUGEPAGE) | IMG_MADV(MADV_NOHUGEPAGE);

	if (a->status != b->status || (a->flags & flags) != (b->flags & flags) ||
		(a->madv & advice) != (b->madv & advice))
		return false;
	if (!(a->status & IMG_VMA_FILE_PRIVATE))
		return true;
	return a->shmid == b->shmid && a->fdflags == b->fdflags && a->pgoff - a->start == b->pgoff - b->start;
}

static const struct restore_premapped *inherited(const struct restore_mem *mem, const VmaEntry *e)
{
	size_t low = 0, high = mem->nr_here;

	/* The last one that starts at or before it. */
	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (mem->here[mid].is.start <= e->start)
			low = mid + 1;
		else
			high = mid;
	}
	if (!low || mem->here[low - 1].is.end < e->end || !restore_same_kind(&mem->here[low - 1].is, e))
		return NULL;
	return &mem->here[low - 1];
}

static int unmap(uint64_t start, uint64_t end, struct img_err *err)
{
	if (start < end && munmap((void *)start, end - start) < 0)
		return img_fail_sys(err, "unmapping %#" PRIx64 "-%#" PRIx64, start, end);
	return 0;
}

/* Of everything inherited, unmap what no item uses. Both are ascending. */
static int drop_others(struct work *w, struct img_err *err)
{
	const struct restore_mem *mem = w->r->mem;
	size_t k = 0;

	for (size_t i = 0; i < mem->nr_here; i++) {
		const struct restore_premapped *p = &mem->here[i];
		uint64_t move = p->at - p->is.start, upto = p->is.start;

		for (; k < w->nr && w->items[k].e->start < p->is.end; k++) {
			if (!w->items[k].inherited)
				continue;
			if (unmap(upto + move, w->items[k].e->start + move, err) < 0)
				return -1;
			upto = w->items[k].e->end;
		}
		if (unmap(upto + move, p->is.end + move, err) < 0)
			return -1;
	}
	return 0;
}

/* ---- places ---- */

static uint64_t huge_size(const VmaEntry *e)
{
	unsigned int log2;

	if (!(e->flags & IMG_MAP_HUGETLB))
		return 0;
	log2 = e->flags >> IMG_MAP_HUGE_SHIFT & IMG_MAP_HUGE_MASK;
	return log2 ? 1ull << log2 : HUGE_2M;
}

/* How far a mapping's place must agree with its address, so that huge pages fit and whole page tables can
 * be moved. */
static uint64_t alignment(const VmaEntry *e)
{
	uint64_t size = e->end - e->start, huge = huge_size(e);
	uint64_t by_size = size >= HUGE_1G ? HUGE_1G : size >= HUGE_2M ? HUGE_2M : IMG_PAGE;

	return huge > by_size ? huge : by_size;
}

static uint64_t agree(uint64_t at, uint64_t start, uint64_t align)
{
	return at + ((start - at) & (align - 1));
}

/* Neighbours stay neighbours; between others a page stays free, so that the kernel keeps them apart.
 * Returns where it ends. */
static uint64_t lay_out(struct work *w, uint64_t base)
{
	const struct item *before = NULL;
	uint64_t at = base;

	for (size_t i = 0; i < w->nr; i++) {
		struct item *item = &w->items[i];

		if (item->inherited)
			continue;
		if (!before || before->e->end != item->e->start || alignment(item->e) > alignment(before->e))
			at = agree(at + IMG_PAGE, item->e->start, alignment(item->e));
		item->at = at;
		at += item->e->end - item->e->start;
		before = item;
	}
	return at;
}

static int take_places(struct work *w, struct img_err *err)
{
	uint64_t align = IMG_PAGE, size, base;

	for (size_t i = 0; i < w->nr; i++)
		if (!w->items[i].inherited && alignment(w->items[i].e) > align)
			align = alignment(w->items[i].e);
	/* The same from 0 as from any multiple of the largest alignment. */
	size = lay_out(w, 0);
	if (!size)
		return 0;
	base = restore_scratch_take(w->r, size + align, err);
	if (!base)
		return -1;
	lay_out(w, (base + align - 1) & ~(align - 1));
	return 0;
}

/* ---- mapping ---- */

static int open_file(struct work *w, const VmaEntry *e, struct img_err *err)
{
	int flags = e->has_fdflags ? (int)e->fdflags : O_RDONLY;

	if (w->file_fd >= 0 && w->file_id == e->shmid && w->file_flags == flags)
		return 0;
	if (w->file_fd >= 0)
		close(w->file_fd);
	w->file_fd = -1;
	if (restore_open_file(w->r, w->t, e->shmid, flags, &w->file_fd, err) < 0)
		return img_wrap(err, "file %" PRIu64, e->shmid);
	w->file_id = e->shmid;
	w->file_flags = flags;
	return 0;
}

static int map_item(struct work *w, struct item *item, struct img_err *err)
{
	const uint32_t keep = IMG_MAP_GROWSDOWN | IMG_MAP_NORESERVE | IMG_MAP_HUGETLB |
			      IMG_MAP_HUGE_MASK << IMG_MAP_HUGE_SHIFT;
	const VmaEntry *e = item->e;
	uint32_t flags = MAP_FIXED_NOREPLACE | (e->flags & keep);
	size_t size = e->end - e->start;
	bool file = e->status & IMG_VMA_FILE_PRIVATE;

	if (file && open_file(w, e, err) < 0)
		return -1;
	flags |= e->flags & IMG_MAP_DROPPABLE ? IMG_MAP_DROPPABLE : MAP_PRIVATE;
	if (!file)
		flags |= MAP_ANONYMOUS;
	if (mmap((void *)item->at, size, PROT_READ | PROT_WRITE, flags, file ? w->file_fd : -1,
		    file ? e->pgoff : 0) != (void *)item->at)
		return img_fail_sys(err, "mapping %zu bytes at %#" PRIx64, size, item->at);
	/* Before the pages are there. */
	if (e->madv & IMG_MADV(MADV_HUGEPAGE))
		madvise((void *)item->at, size, MADV_HUGEPAGE);
	if (e->madv & IMG_MADV(MADV_NOHUGEPAGE))
		madvise((void *)item->at, size, MADV_NOHUGEPAGE);
	return 0;
}

/* The runs of the page map in a mapping of our own. */
static int fill_item(struct work *w, const struct item *item, struct img_err *err)
{
	const VmaEntry *e = item->e;
	size_t nr, i = img_pages_find(w->pages, e->start);
	const struct img_run *runs = img_pages_runs(w->pages, &nr);

	for (; i < nr && runs[i].addr < e->end; i++) {
		uint64_t start = runs[i].addr > e->start ? runs[i].addr : e->start;
		uint64_t end = runs[i].addr + runs[i].nr_pages * IMG_PAGE;

		if (restore_lazy_run(w->r, w->t, e, &runs[i]))
			continue;
		if (end > e->end)
			end = e->end;
		if (restore_add_pages(w->pages, start, (end - start) / IMG_PAGE,
			    (void *)(item->at + (start - e->start)), &w->pieces, err) < 0)
			return -1;
	}
	return 0;
}

static int item_do(struct work *w, struct item *item, struct img_err *err)
{
	if (item->inherited)
		return restore_cow_update(w->r, w->pages, item->e, item->at, &w->pieces, err);
	if (map_item(w, item, err) < 0)
		return -1;
	return fill_item(w, item, err);
}

/* ---- all of it ---- */

static int choose_items(struct work *w, struct img_err *err)
{
	for (size_t i = 0; i < w->t->mm->n_vmas; i++) {
		const VmaEntry *e = w->t->mm->vmas[i];
		const struct restore_premapped *from;
		struct item *item;
		bool now, later;

		if (!restore_vma_private(e) || e->status & IMG_VMA_VDSO)
			continue;
		look(w, e, &now, &later);
		if (!now)
			continue;
		item = img_array_more(&w->items, w->nr, &w->room);
		if (!item)
			return img_fail_nomem(err);
		w->nr++;
		item->e = e;
		from = later ? NULL : inherited(w->r->mem, e);
		if (from) {
			item->inherited = true;
			item->at = from->at + (e->start - from->is.start);
		}
	}
	return 0;
}

/* From now on this is what lies here. */
static int note_items(struct work *w, struct img_err *err)
{
	struct restore_mem *mem = w->r->mem;

	mem->nr_here = 0;
	for (size_t i = 0; i < w->nr; i++) {
		struct restore_premapped *p = img_array_more(&mem->here, mem->nr_here, &mem->room_here);

		if (!p)
			return img_fail_nomem(err);
		p->is = *w->items[i].e;
		p->at = w->items[i].at;
		mem->nr_here++;
	}
	return 0;
}

static int premap(struct work *w, struct img_err *err)
{
	uint64_t bytes = 0;

	if (choose_items(w, err) < 0 || drop_others(w, err) < 0 || take_places(w, err) < 0)
		return -1;
	for (size_t i = 0; i < w->nr; i++)
		if (item_do(w, &w->items[i], err) < 0)
			return img_wrap(err, "mapping %#" PRIx64 "-%#" PRIx64, w->items[i].e->start,
				w->items[i].e->end);
	if (restore_stream_take(w->r, w->pages, &w->pieces, err) < 0 ||
		restore_read_pieces(w->r, w->pieces.items, w->pieces.nr, err) < 0)
		return -1;
	for (size_t i = 0; i < w->pieces.nr; i++)
		bytes += w->pieces.items[i].len;
	__atomic_fetch_add(&w->r->counts->pages_restored, bytes / IMG_PAGE, __ATOMIC_RELAXED);
	log_info(w->r->log, "pid %d: %" PRIu64 " pages read into %zu mappings", w->t->pid, bytes / IMG_PAGE,
		w->nr);
	return note_items(w, err);
}

int restore_pages_premap(struct restore *r, struct restore_task *t, struct img_err *err)
{
	struct work w = { .r = r, .t = t, .file_fd = -1 };
	int ret = img_pages_open(r->set, IMG_PAGEMAP, t->pid, &w.pages, err);

	if (ret <= 0)
		return ret < 0 ? -1 : img_fail(err, IMG_CORRUPT, "no page map");
	ret = premap(&w, err);
	img_pages_close(w.pages);
	free(w.items);
	free(w.pieces.items);
	if (w.file_fd >= 0)
		close(w.file_fd);
	return ret;
}
