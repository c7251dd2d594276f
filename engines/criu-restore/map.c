/* engines/criu-restore/map.c -- the mappings of a task, from the list that mem made to steps of the blob.
 *
 * At that time the new layout is empty: everything of the old one is gone, and what was premapped lies in the scratch.
 */

#include <inttypes.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#include "criu-restore/map.h"

static void map_one(const struct blob_vma *v, struct restore_tape *tape)
{
	uint64_t size = v->end - v->start;
	struct blob_step *step;
	char what[96];

	snprintf(what, sizeof(what), "map %" PRIx64 "-%" PRIx64, v->start, v->end);
	if (v->premap)
		step = tape_step(tape, TAPE_MAP, what, SYS_mremap, v->premap, size, size, MREMAP_MAYMOVE | MREMAP_FIXED, v->start);
	else
		/* MAP_LOCKED would fault everything in now; mlock2 does it when the protection is right. */
		step = tape_step(tape, TAPE_MAP, what, SYS_mmap, v->start, size, v->premap_prot ? v->premap_prot : v->prot,
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
	for (size_t i = 0; i < t->nr_vmas; i++)
		map_one(&t->vmas[i], tape);
	for (size_t i = 0; i < t->nr_vmas; i++)
		finish_one(&t->vmas[i], tape);
}
