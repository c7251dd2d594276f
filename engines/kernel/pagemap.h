/* kernel/pagemap.h -- which pages of a mapping are there, seen from outside.
 *
 * PAGEMAP_SCAN (Linux 6.7) walks the page tables once and answers with ranges; where the kernel lacks it,
 * the 64-bit words of /proc/PID/pagemap are read and turned into the same ranges.
 *
 * Facts: Documentation/admin-guide/mm/pagemap.rst, include/uapi/linux/fs.h.
 */
#ifndef ENGINES_KERNEL_PAGEMAP_H
#define ENGINES_KERNEL_PAGEMAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "criuimg/err.h"

/* Categories of pages; the values of PAGE_IS_* in linux/fs.h. */
enum kern_page_is {
	KERN_PAGE_WPALLOWED = 1 << 0,
	KERN_PAGE_WRITTEN = 1 << 1,
	KERN_PAGE_FILE = 1 << 2, /* of a file or shared memory, not a private copy */
	KERN_PAGE_PRESENT = 1 << 3,
	KERN_PAGE_SWAPPED = 1 << 4,
	KERN_PAGE_PFNZERO = 1 << 5, /* the page of zeros that all share */
	KERN_PAGE_HUGE = 1 << 6,
	KERN_PAGE_SOFT_DIRTY = 1 << 7,
	KERN_PAGE_GUARD = 1 << 8, /* MADV_GUARD_INSTALL; Linux 6.15 shows it */
};

struct kern_pages {
	uint64_t start, end; /* bytes */
	uint64_t categories; /* those asked for in `show` that all pages of the range have */
};

/* A page counts when none of `without` is true of it, all of `all` are and any of `any` is (when `any` is not 0). Ranges are as
 * large as the equality of `show` over neighbours allows. */
struct kern_page_query {
	uint64_t without, all, any, show;
};

/* An opened /proc/PID/pagemap, with what the kernel can do. */
struct kern_pagemap {
	int fd;
	bool can_scan;	   /* PAGEMAP_SCAN is there */
	bool can_guard;	   /* ... and tells guard pages */
	uint64_t zero_pfn; /* without PAGEMAP_SCAN: frame of the zero page; 0 when frames are not shown */
};

/* pid 0: our own. Fails IMG_SYS. Close with kern_pagemap_close(). */
int kern_pagemap_open(pid_t pid, struct kern_pagemap *pm, struct img_err *err);
void kern_pagemap_close(struct kern_pagemap *pm);

/* Call fn for each range in [start, end), ascending. Neighbours may come apart at chunk borders. Categories
 * the kernel cannot tell are never true. A negative return of fn ends the walk and is returned. */
int kern_pagemap_scan(const struct kern_pagemap *pm, uint64_t start, uint64_t end,
	const struct kern_page_query *query,
	int (*fn)(void *arg, const struct kern_pages *pages, struct img_err *err), void *arg,
	struct img_err *err);

/* Mark the pages in [start, end) that were written since they were marked last, or never were (KERN_PAGE_WRITTEN), and call fn (it may be
 * NULL) for each range of them. All of it is registered for that: kernel/uffd.h. Pages that are not there stay as they are. */
int kern_pagemap_protect(const struct kern_pagemap *pm, uint64_t start, uint64_t end,
	int (*fn)(void *arg, const struct kern_pages *pages, struct img_err *err), void *arg, struct img_err *err);

/* Of this kernel: kern_pagemap_protect() can work; pages have soft-dirty bits. */
bool kern_pagemap_has_protect(void);
bool kern_pagemap_has_soft_dirty(void);

/* The categories of a page from its word in /proc/PID/pagemap. */
uint64_t kern_pagemap_word(uint64_t word, uint64_t zero_pfn);

#endif
