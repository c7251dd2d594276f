/* engines/criu-restore/map.c -- the mappings of a task, from the list that mem made to steps of the blob.
 *
 * At that time the new layout is empty: everything of the old one is gone, and what was premapped lies in the
 * scratch.
 */

#include <inttypes.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/shm.h>
#include <sys/syscall.h>

#include "criu-restore/map.h"
#include "criuimg/vma.h"

enum {
	TOGETHER_MIN = 16,
};

/* How many mappings from here on lie side by side now, as they will, and are one to the kernel: told by what
 * they were mapped with. Moving is the dearest thing that is done to a mapping, and thousands of small
 * neighbours are usual where a program protects single pages. A few are moved one by one: they stay apart
 * where the kernel had them apart. */
static size_t neighbours(const struct blob_vma *v, size_t nr)
{
	const uint64_t huge = 1ull << MADV_HUGEPAGE | 1ull << MADV_NOHUGEPAGE;
	size_t n = 1;

	if (!v->premap || !(v->status & IMG_VMA_ANON_PRIVATE))
		return 1;
	for (; n < nr; n++) {
		const struct blob_vma *a = &v[n - 1], *b = &v[n];

		if (b->start != a->end || b->premap != a->premap + (a->end - a->start) ||
			b->flags != a->flags || b->status != a->status || b->premap_prot != a->premap_prot ||
			(b->madv & huge) != (a->madv & huge))
			break;
	}
	return n;
}

/* All in one, if the kernel agrees; the steps for each follow. */
static void map_together(const struct blob_vma *v, size_t nr, struct restore_tape *tape)
{
	uint64_t size = v[nr - 1].end - v->start;
	struct blob_step *step = tape_step(tape, TAPE_MAP, "map", SYS_mremap, v->premap, size, size,
		MREMAP_MAYMOVE | MREMAP_FIXED, v->start);

	step->flags = BLOB_EXPECT | BLOB_MAY_FAIL;
	step->expect = v->start;
	step->skip = nr;
}

static void map_one(const struct blob_vma *v, struct restore_tape *tape)
{
	uint64_t size = v->end - v->start;
	struct blob_step *step;
	char what[96];

	snprintf(what, sizeof(what), "map %" PRIx64 "-%" PRIx64, v->start, v->end);
	if (v->premap)
		step = tape_step(tape, TAPE_MAP, what, SYS_mremap, v->premap, size, size,
			MREMAP_MAYMOVE | MREMAP_FIXED, v->start);
	else if (v->status & IMG_VMA_SYSVIPC)
		step = tape_step(tape, TAPE_MAP, what, SYS_shmat, v->pgoff, v->start,
			(v->prot & PROT_WRITE ? 0 : SHM_RDONLY) | (v->prot & PROT_EXEC ? SHM_EXEC : 0));
	else
		/* MAP_LOCKED would fault everything in now; mlock2 does it when the protection is right. */
		step = tape_step(tape, TAPE_MAP, what, SYS_mmap, v->start, size,
			v->premap_prot ? v->premap_prot : v->prot,
			(v->flags & ~MAP_LOCKED) | MAP_FIXED_NOREPLACE, v->fd, v->pgoff);
	step->flags = BLOB_EXPECT;
	step->expect = v->start;
}

static void finish_one(const struct blob_vma *v, struct restore_tape *tape)
{
	uint64_t size = v->end - v->start;
	uint32_t has = v->premap || v->premap_prot ? v->premap_prot : v->prot;
	char what[96];

	if (has != v->prot) {
		snprintf(what, sizeof(what), "protect %" PRIx64 "-%" PRIx64, v->start, v->end);
		tape_step(tape, TAPE_PROTECT, what, SYS_mprotect, v->start, size, v->prot);
	}
	for (int advice = 0; advice < 64; advice++) {
		if (!(v->madv & 1ull << advice))
			continue;
		snprintf(what, sizeof(what), "madvise %d of %" PRIx64 "-%" PRIx64, advice, v->start, v->end);
		tape_step(tape, TAPE_PROTECT, what, SYS_madvise, v->start, size, advice);
	}
	if (v->flags & MAP_LOCKED) {
		snprintf(what, sizeof(what), "lock %" PRIx64 "-%" PRIx64, v->start, v->end);
		tape_step(tape, TAPE_PROTECT, what, SYS_mlock2, v->start, size, 0);
	}
}

void restore_map_tape(const struct restore_task *t, struct restore_tape *tape)
{
	size_t together = 0;

	for (size_t i = 0; i < t->nr_vmas; i++) {
		if (!together && (together = neighbours(&t->vmas[i], t->nr_vmas - i)) >= TOGETHER_MIN)
			map_together(&t->vmas[i], together, tape);
		map_one(&t->vmas[i], tape);
		together--;
	}
	for (size_t i = 0; i < t->nr_vmas; i++)
		finish_one(&t->vmas[i], tape);
}
