/* crit/memory-walk.c -- the content of a task's memory, piece by piece in the order of addresses. */

#include "memory-walk.h"

#include <inttypes.h>
#include <stdlib.h>

#include "criuimg/cleanup.h"

static int walk_extent(struct memory *memory, const struct memory_walk *walk, const struct memory_extent *extent, void *buf,
	struct img_err *err)
{
	for (uint64_t addr = extent->start; addr < extent->end;) {
		size_t want = extent->end - addr < MEMORY_PIECE ? extent->end - addr : MEMORY_PIECE, len = want;
		int ret = memory_read(memory, extent, addr, buf, &len, err);

		if (ret < 0)
			return img_wrap(err, "0x%" PRIx64, addr);
		if (len)
			ret = walk->piece(walk->arg, memory->vma, addr, buf, len, err);
		if (ret || len < want)
			return ret;
		addr += len;
	}
	return 0;
}

static int walk_vma(struct memory *memory, const struct memory_walk *walk, const VmaEntry *vma, void *buf, struct img_err *err)
{
	uint64_t addr = vma->start > walk->start ? vma->start : walk->start;
	uint64_t end = vma->end < walk->end ? vma->end : walk->end;
	int ret = memory_look(memory, vma, err);

	while (ret == 0 && addr < end) {
		struct memory_extent extent = memory_extent(memory, addr);

		if (extent.end > end)
			extent.end = end;
		if (extent.where == MEMORY_PAGES || extent.where == MEMORY_SHARED || (extent.where == MEMORY_FILE && walk->files))
			ret = walk_extent(memory, walk, &extent, buf, err);
		addr = extent.end;
	}
	return ret;
}

int memory_walk(struct memory *memory, const struct memory_walk *walk, struct img_err *err)
{
	cleanup_free void *buf = malloc(MEMORY_PIECE);
	int ret = 0;

	if (!buf)
		return img_fail_nomem(err);
	for (size_t i = memory_find(memory, walk->start); i < memory->mm->n_vmas && ret == 0; i++) {
		const VmaEntry *vma = memory->mm->vmas[i];

		if (vma->start >= walk->end)
			break;
		if (memory_is_real(vma))
			ret = walk_vma(memory, walk, vma, buf, err);
	}
	return ret;
}
