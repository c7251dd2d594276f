/* crit/memory-walk.h -- the content of a task's memory, piece by piece in the order of addresses. */
#ifndef CRIT_MEMORY_WALK_H
#define CRIT_MEMORY_WALK_H

#include "memory.h"

#define MEMORY_PIECE ((size_t)1 << 20)

struct memory_walk {
	uint64_t start, end; /* pages outside are left out; both multiples of IMG_PAGE */
	bool files;	     /* pages of mapped files that are not in the images, too: from the files */
	/* data has len bytes, of one extent; nonzero ends the walk and is returned. */
	int (*piece)(void *arg, const VmaEntry *vma, uint64_t addr, const void *data, size_t len, struct img_err *err);
	void *arg;
};

/* All that is stored and is not known to be zero. 0, what piece said, or -1. */
int memory_walk(struct memory *memory, const struct memory_walk *walk, struct img_err *err);

#endif
