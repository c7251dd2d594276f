/* engines/criu-restore/scratch.c -- the part of the address space that is ours in every process.
 *
 * While a task is rebuilt, old and new mappings and our own memory exist at the same time. To spare everybody
 * the search for a place, the plan takes the largest gap that criu-restore and all tasks of the image have in
 * common, and the middle half of that: whoever grows meanwhile (our heap, a stack) grows into the quarters
 * beside it.
 */

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "criu-restore/scratch.h"
#include "criuimg/vma.h"
#include "kernel/maps.h"

enum {
	PAGE = 4096,
	SHARED_CHUNK = 256 << 10,
	SHARED_ALIGN = 64,
};

/* Lowest address that a gap may begin at: below it is vm.mmap_min_addr, and room for it to be larger here. */
#define SCRATCH_LOWEST	 (1ull << 20)
#define TASK_TOP_4LEVEL	 0x7ffffffff000ull
#define TASK_TOP_5LEVEL	 0xfffffffffff000ull
#define SCRATCH_SMALLEST (64ull << 20)

struct range {
	uint64_t start, end;
};

static int by_start(const void *a, const void *b)
{
	const struct range *x = a, *y = b;

	return x->start < y->start ? -1 : x->start > y->start;
}

/* munmap(2) refuses addresses that user space cannot have, and does nothing where nothing is mapped. */
static uint64_t task_top(void)
{
	return munmap((void *)TASK_TOP_4LEVEL, PAGE) < 0 ? TASK_TOP_4LEVEL : TASK_TOP_5LEVEL;
}

static struct range *ranges_in_use(struct restore *r, size_t *nr_out, struct img_err *err)
{
	struct kern_maps maps = KERN_MAPS_INIT;
	size_t nr = 0, room;
	struct range *ranges;

	if (kern_maps_read(getpid(), false, &maps, err) < 0) {
		kern_maps_free(&maps);
		return NULL;
	}
	room = maps.nr;
	for (size_t i = 0; i < r->nr_tasks; i++)
		room += r->tasks[i].mm ? r->tasks[i].mm->n_vmas : 0;
	ranges = calloc(room, sizeof(*ranges));
	if (!ranges) {
		kern_maps_free(&maps);
		img_fail_nomem(err);
		return NULL;
	}

	for (size_t i = 0; i < maps.nr; i++)
		ranges[nr++] = (struct range){ maps.vmas[i].start, maps.vmas[i].end };
	kern_maps_free(&maps);
	for (size_t i = 0; i < r->nr_tasks; i++) {
		const MmEntry *mm = r->tasks[i].mm;

		for (size_t k = 0; mm && k < mm->n_vmas; k++)
			ranges[nr++] = (struct range){ mm->vmas[k]->start, mm->vmas[k]->end };
	}
	qsort(ranges, nr, sizeof(*ranges), by_start);
	*nr_out = nr;
	return ranges;
}

int restore_scratch_find(struct restore *r, struct img_err *err)
{
	struct range gap = { 0, 0 };
	uint64_t end = SCRATCH_LOWEST, quarter;
	struct range *ranges;
	size_t nr;

	/* What is above 47 bits is only there for who asks for it: stay below, also on 5-level hosts. */
	r->task_top = task_top();
	ranges = ranges_in_use(r, &nr, err);
	if (!ranges)
		return -1;
	for (size_t i = 0; i <= nr; i++) {
		uint64_t start =
			i < nr && ranges[i].start < TASK_TOP_4LEVEL ? ranges[i].start : TASK_TOP_4LEVEL;

		if (start > end && start - end > gap.end - gap.start)
			gap = (struct range){ end, start };
		if (i < nr && ranges[i].end > end)
			end = ranges[i].end;
	}
	free(ranges);

	quarter = (gap.end - gap.start) / 4 & ~(PAGE - 1ull);
	if (2 * quarter < SCRATCH_SMALLEST)
		return img_fail(err, IMG_UNSUPPORTED,
			"the tasks' mappings together leave no room in the address space");
	/* To a border of 1 GiB where that is small change: page tables are not shared with the neighbours
	 * then. */
	if (quarter > 4ull << 30)
		quarter &= ~((1ull << 30) - 1);
	r->scratch.start = gap.start + quarter;
	if (quarter > 4ull << 30)
		r->scratch.start &= ~((1ull << 30) - 1);
	r->scratch.end = r->scratch.start + 2 * quarter;
	r->scratch.next = r->scratch.start;
	return 0;
}

uint64_t restore_scratch_take(struct restore *r, uint64_t size, struct img_err *err)
{
	uint64_t at = r->scratch.next;

	size = (size + PAGE - 1) & ~(PAGE - 1ull);
	if (size > r->scratch.end - at) {
		img_fail(err, IMG_UNSUPPORTED, "no room for %#llx bytes in the address space",
			(unsigned long long)size);
		return 0;
	}
	r->scratch.next += size;
	return at;
}

void *restore_shared_alloc(struct restore *r, size_t size, struct img_err *err)
{
	size = (size + SHARED_ALIGN - 1) & ~(SHARED_ALIGN - 1ull);
	if (size > r->shared_left) {
		size_t chunk = size > SHARED_CHUNK ? (size + PAGE - 1) & ~(PAGE - 1ull) : SHARED_CHUNK;
		uint64_t at = restore_scratch_take(r, chunk, err);
		void *mem;

		if (!at)
			return NULL;
		mem = mmap((void *)at, chunk, PROT_READ | PROT_WRITE,
			MAP_SHARED | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
		if (mem != (void *)at) {
			img_fail_sys(err, "map %zu bytes of shared memory at %#llx", chunk,
				(unsigned long long)at);
			return NULL;
		}
		r->shared_next = at;
		r->shared_left = chunk;
	}
	r->shared_next += size;
	r->shared_left -= size;
	return (void *)(r->shared_next - size);
}

uint64_t restore_gap(const struct restore *r, const struct restore_task *t, uint64_t size, uint64_t below)
{
	uint64_t end = 1 << 20, found = 0;

	size += 2 * PAGE; /* not touching its neighbours */
	for (size_t i = 0; i <= t->mm->n_vmas; i++) {
		const VmaEntry *v = i < t->mm->n_vmas ? t->mm->vmas[i] : NULL;
		uint64_t start = v && v->start < r->task_top ? v->start : r->task_top;

		if (v && v->status & IMG_VMA_GUARD)
			continue;
		/* Ends right below v; not in the scratch, which is unmapped at the end. */
		if (start > end && start - end >= size && (start <= r->scratch.start || start - size >= r->scratch.end) &&
			(!found || start <= below))
			found = start - size + PAGE;
		end = v ? v->end : end;
	}
	return found;
}
