/* engines/kernel/pagemap.c -- PAGEMAP_SCAN, and the words of /proc/PID/pagemap. */

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "criuimg/array.h"
#include "criuimg/cleanup.h"
#include "kernel/pagemap.h"
#include "kernel/self.h"

enum { PAGE = 4096, SCAN_RANGES = 1024, READ_WORDS = 4096 };

/* linux/fs.h, for building where the headers are older than the kernel. */
struct scan_range {
	uint64_t start, end, categories;
};

struct scan_arg {
	uint64_t size, flags, start, end, walk_end, vec, vec_len, max_pages;
	uint64_t category_inverted, category_mask, category_anyof_mask, return_mask;
};

#define SCAN_IOCTL _IOWR('f', 16, struct scan_arg)

/* Bits of a word (Documentation/admin-guide/mm/pagemap.rst). */
#define WORD_PFN	((1ull << 55) - 1)
#define WORD_SOFT_DIRTY (1ull << 55)
#define WORD_GUARD	(1ull << 58)
#define WORD_FILE	(1ull << 61)
#define WORD_SWAPPED	(1ull << 62)
#define WORD_PRESENT	(1ull << 63)

/* Flags: write-protect what matches; fail (EPERM) in a mapping that is not registered for that. */
#define SCAN_PROTECT (1 << 0)
#define SCAN_CHECK   (1 << 1)

static int scan(int fd, uint64_t flags, uint64_t start, uint64_t end, const struct kern_page_query *q,
	struct scan_range *ranges, size_t nr, uint64_t *walk_end)
{
	struct scan_arg arg = {
		.size = sizeof(arg),
		.flags = flags,
		.start = start,
		.end = end,
		.vec = (uintptr_t)ranges,
		.vec_len = nr,
		.category_inverted = q->without,
		.category_mask = q->without | q->all,
		.category_anyof_mask = q->any,
		.return_mask = q->show,
	};
	int ret = ioctl(fd, SCAN_IOCTL, &arg);

	*walk_end = arg.walk_end;
	return ret;
}

/* Frame of the zero page: read one of our own that was never written. 0 when the kernel shows no frames (no
 * CAP_SYS_ADMIN). */
static uint64_t find_zero_pfn(void)
{
	char self[64];
	volatile char *page = mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	cleanup_fd int fd = open(kern_self_path(self, sizeof(self), "pagemap"), O_RDONLY | O_CLOEXEC);
	uint64_t word = 0;

	if (page == MAP_FAILED)
		return 0;
	(void)*page;
	if (fd < 0 || pread(fd, &word, sizeof(word), (uintptr_t)page / PAGE * sizeof(word)) != sizeof(word))
		word = 0;
	munmap((void *)page, PAGE);
	return word & WORD_PRESENT ? word & WORD_PFN : 0;
}

int kern_pagemap_open(pid_t pid, struct kern_pagemap *pm, struct img_err *err)
{
	struct kern_page_query probe = { .without = KERN_PAGE_GUARD, .show = KERN_PAGE_PRESENT };
	struct scan_range range;
	uint64_t walk_end;
	char path[64];

	*pm = (struct kern_pagemap){ .fd = -1 };
	if (pid)
		snprintf(path, sizeof(path), "/proc/%d/pagemap", pid);
	else
		kern_self_path(path, sizeof(path), "pagemap");
	pm->fd = open(path, O_RDONLY | O_CLOEXEC);
	if (pm->fd < 0)
		return img_fail_sys(err, "%s", path);

	pm->can_guard = scan(pm->fd, 0, 0, PAGE, &probe, &range, 1, &walk_end) >= 0;
	probe.without = 0;
	pm->can_scan = pm->can_guard || scan(pm->fd, 0, 0, PAGE, &probe, &range, 1, &walk_end) >= 0;
	if (!pm->can_scan)
		pm->zero_pfn = find_zero_pfn();
	return 0;
}

void kern_pagemap_close(struct kern_pagemap *pm)
{
	if (pm->fd >= 0)
		close(pm->fd);
	pm->fd = -1;
}

bool kern_pagemap_has_protect(void)
{
	struct kern_pagemap pm;
	bool can = kern_pagemap_open(0, &pm, NULL) == 0 && pm.can_scan;

	kern_pagemap_close(&pm);
	return can;
}

/* A page that has just been written has the bit. */
bool kern_pagemap_has_soft_dirty(void)
{
	char self[64];
	volatile char *page = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	cleanup_fd int fd = open(kern_self_path(self, sizeof(self), "pagemap"), O_RDONLY | O_CLOEXEC);
	uint64_t word = 0;

	if (page == MAP_FAILED)
		return false;
	*page = 1;
	if (fd < 0 || pread(fd, &word, sizeof(word), (uintptr_t)page / PAGE * sizeof(word)) != sizeof(word))
		word = 0;
	munmap((void *)page, PAGE);
	return word & WORD_SOFT_DIRTY;
}

int kern_pagemap_protect(const struct kern_pagemap *pm, uint64_t start, uint64_t end,
	int (*fn)(void *arg, const struct kern_pages *pages, struct img_err *err), void *arg, struct img_err *err)
{
	/* With a place for answers, whoever wants them: without one, the kernel would mark what is not there, too. */
	const struct kern_page_query q = {
		.all = KERN_PAGE_WRITTEN,
		.without = KERN_PAGE_PFNZERO | (pm->can_guard ? KERN_PAGE_GUARD : 0),
		.any = KERN_PAGE_PRESENT | KERN_PAGE_SWAPPED,
	};
	struct scan_range ranges[SCAN_RANGES];

	while (start < end) {
		uint64_t walk_end;
		int nr = scan(pm->fd, SCAN_PROTECT | SCAN_CHECK, start, end, &q, ranges, SCAN_RANGES, &walk_end);

		if (nr < 0 && errno == EINTR)
			continue;
		if (nr < 0)
			return img_fail_sys(err, "write-protecting %#llx-%#llx", (unsigned long long)start,
				(unsigned long long)end);
		for (int i = 0; fn && i < nr; i++) {
			struct kern_pages pages = { ranges[i].start, ranges[i].end, KERN_PAGE_WRITTEN };

			if (fn(arg, &pages, err) < 0)
				return -1;
		}
		if (nr < SCAN_RANGES)
			break;
		/* As in by_scan(). */
		start = walk_end > ranges[nr - 1].end ? walk_end : ranges[nr - 1].end;
	}
	return 0;
}

typedef int (*range_fn)(void *arg, const struct kern_pages *pages, struct img_err *err);

static int by_scan(const struct kern_pagemap *pm, uint64_t start, uint64_t end,
	const struct kern_page_query *query, range_fn fn, void *arg, struct img_err *err)
{
	struct scan_range ranges[SCAN_RANGES];
	struct kern_page_query q = *query;

	if (!pm->can_guard) {
		q.without &= ~(uint64_t)KERN_PAGE_GUARD;
		q.show &= ~(uint64_t)KERN_PAGE_GUARD;
		/* What only a category asks for that is never true, nothing matches. */
		if (q.any == KERN_PAGE_GUARD)
			return 0;
		q.any &= ~(uint64_t)KERN_PAGE_GUARD;
	}
	/* The kernel gathers 512 ranges at a time, and walk_end tells only where it stopped for want of
	 * room the last time: it may lie before ranges that were handed out, and after the whole walk too.
	 * So: room left means that all was walked, and what was handed out is not asked for again. */
	while (start < end) {
		uint64_t walk_end;
		int nr = scan(pm->fd, 0, start, end, &q, ranges, SCAN_RANGES, &walk_end);

		if (nr < 0 && errno == EINTR)
			continue;
		if (nr < 0)
			return img_fail_sys(err, "scanning pages %#llx-%#llx", (unsigned long long)start,
				(unsigned long long)end);
		for (int i = 0; i < nr; i++) {
			struct kern_pages pages = { ranges[i].start, ranges[i].end, ranges[i].categories };
			int ret = fn(arg, &pages, err);

			if (ret < 0)
				return ret;
		}
		if (nr < SCAN_RANGES)
			break;
		start = walk_end > ranges[nr - 1].end ? walk_end : ranges[nr - 1].end;
	}
	return 0;
}

uint64_t kern_pagemap_word(uint64_t word, uint64_t zero_pfn)
{
	uint64_t is = 0;

	if (word & WORD_GUARD)
		is |= KERN_PAGE_GUARD;
	if (word & WORD_SWAPPED)
		is |= KERN_PAGE_SWAPPED;
	if (word & WORD_FILE)
		is |= KERN_PAGE_FILE;
	if (word & WORD_SOFT_DIRTY)
		is |= KERN_PAGE_SOFT_DIRTY;
	if (word & WORD_PRESENT) {
		is |= KERN_PAGE_PRESENT;
		if (zero_pfn && (word & WORD_PFN) == zero_pfn)
			is |= KERN_PAGE_PFNZERO;
	}
	return is;
}

static bool counts(uint64_t is, const struct kern_page_query *q)
{
	return !(is & q->without) && (is & q->all) == q->all && (!q->any || is & q->any);
}

static int by_words(const struct kern_pagemap *pm, uint64_t start, uint64_t end,
	const struct kern_page_query *q, range_fn fn, void *arg, struct img_err *err)
{
	uint64_t words[READ_WORDS];
	struct kern_pages run = { 0 };

	while (start < end) {
		size_t want = (end - start) / PAGE < READ_WORDS ? (end - start) / PAGE : READ_WORDS;
		ssize_t got = pread(pm->fd, words, want * sizeof(words[0]), start / PAGE * sizeof(words[0]));

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return img_fail_sys(err, "reading the page map at %#llx", (unsigned long long)start);
		if (got < (ssize_t)sizeof(words[0]))
			break; /* above the address space of the task */
		for (size_t i = 0; i < got / sizeof(words[0]); i++, start += PAGE) {
			uint64_t is = kern_pagemap_word(words[i], pm->zero_pfn);

			if (run.end == start && run.end && counts(is, q) &&
				run.categories == (is & q->show)) {
				run.end += PAGE;
				continue;
			}
			if (run.end && fn(arg, &run, err) < 0)
				return -1;
			run = (struct kern_pages){ 0 };
			if (counts(is, q))
				run = (struct kern_pages){ start, start + PAGE, is & q->show };
		}
	}
	return run.end ? fn(arg, &run, err) : 0;
}

int kern_pagemap_scan(const struct kern_pagemap *pm, uint64_t start, uint64_t end,
	const struct kern_page_query *query, range_fn fn, void *arg, struct img_err *err)
{
	return (pm->can_scan ? by_scan : by_words)(pm, start, end, query, fn, arg, err);
}
