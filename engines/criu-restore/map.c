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

/* ---- System V shared memory ---- */

static bool same_attachment(const struct blob_vma *a, const struct blob_vma *b)
{
	return b->status & IMG_VMA_SYSVIPC && a->shmid == b->shmid && a->start - a->pgoff == b->start - b->pgoff;
}

static void unmap_rest(uint64_t start, uint64_t end, struct restore_tape *tape)
{
	char what[96];

	if (start == end)
		return;
	snprintf(what, sizeof(what), "unmap %" PRIx64 "-%" PRIx64 " of a segment", start, end);
	tape_step(tape, TAPE_MAP, what, SYS_munmap, start, end - start);
}

/* A segment is attached as a whole, when nothing else is there yet; what the task has no more of it goes. v: the first of its parts. */
static void attach(const struct blob_vma *v, const struct blob_vma *behind, struct restore_tape *tape)
{
	uint64_t base = v->start - v->pgoff, end = base + v->shmsize, at = base;
	uint32_t prot = 0;
	struct blob_step *step;
	char what[96];

	for (const struct blob_vma *p = v; p < behind && p->start < end; p++)
		prot |= same_attachment(v, p) ? p->premap_prot : 0;
	snprintf(what, sizeof(what), "attach segment %" PRIu64 " at %" PRIx64, v->shmid, base);
	step = tape_step(tape, TAPE_MAP, what, SYS_shmat, v->shmid, base,
		(prot & PROT_WRITE ? 0 : SHM_RDONLY) | (prot & PROT_EXEC ? SHM_EXEC : 0));
	step->flags = BLOB_EXPECT;
	step->expect = base;
	for (const struct blob_vma *p = v; p < behind && p->start < end; p++) {
		if (!same_attachment(v, p))
			continue;
		unmap_rest(at, p->start, tape);
		at = p->end;
	}
	unmap_rest(at, end, tape);
}

static void attach_all(const struct restore_task *t, struct restore_tape *tape)
{
	const struct blob_vma *behind = t->vmas + t->nr_vmas;

	for (const struct blob_vma *v = t->vmas; v < behind; v++) {
		const struct blob_vma *before = v;

		if (!(v->status & IMG_VMA_SYSVIPC))
			continue;
		while (before > t->vmas && before[-1].start >= v->start - v->pgoff && !same_attachment(v, before - 1))
			before--;
		if (before == t->vmas || !same_attachment(v, before - 1))
			attach(v, behind, tape);
	}
}

/* ---- all others ---- */

static void map_one(const struct blob_vma *v, struct restore_tape *tape)
{
	uint64_t size = v->end - v->start;
	struct blob_step *step;
	char what[96];

	snprintf(what, sizeof(what), "map %" PRIx64 "-%" PRIx64, v->start, v->end);
	if (v->premap)
		step = tape_step(tape, TAPE_MAP, what, SYS_mremap, v->premap, size, size,
			MREMAP_MAYMOVE | MREMAP_FIXED, v->start);
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

	/* All parts of an attachment are alike until now. */
	if (has != v->prot || v->status & IMG_VMA_SYSVIPC) {
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

	attach_all(t, tape);
	for (size_t i = 0; i < t->nr_vmas; i++) {
		if (t->vmas[i].status & IMG_VMA_SYSVIPC)
			continue;
		if (!together && (together = neighbours(&t->vmas[i], t->nr_vmas - i)) >= TOGETHER_MIN)
			map_together(&t->vmas[i], together, tape);
		map_one(&t->vmas[i], tape);
		together--;
	}
	for (size_t i = 0; i < t->nr_vmas; i++)
		finish_one(&t->vmas[i], tape);
}
