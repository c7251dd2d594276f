/* engines/mem/pages/pages-dump.c -- the private memory of a task: which pages are stored, and storing
 * them. */

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <unistd.h>

#include "criu-dump/mem-lazy.h"
#include "criu-dump/mem.h"
#include "criu-dump/spine.h"
#include "criu-dump/task_ops.h"
#include "criu-dump/track.h"
#include "criuimg/array.h"
#include "criuimg/cleanup.h"
#include "kernel/anon-dev.h"
#include "kernel/pagemap.h"

/* Bytes of a mapping that is worth a walk of its own. */
enum { LARGE = 4 << 20 };

/* ---- which ---- */

/* What is the task's own: a page that is somewhere, not the page of zeros, not one of a file. Guard regions
 * come with them: the kernel shows them as swapped. */
static const struct kern_page_query own_pages = {
	.without = KERN_PAGE_PFNZERO | KERN_PAGE_FILE,
	.any = KERN_PAGE_PRESENT | KERN_PAGE_SWAPPED,
	.show = KERN_PAGE_GUARD,
};

/* What else a page shows where its task is tracked. */
static const uint64_t shown_by[] = {
	[TRACK_BY_MARKS] = KERN_PAGE_WPALLOWED | KERN_PAGE_WRITTEN,
	[TRACK_BY_SOFT_DIRTY] = KERN_PAGE_SOFT_DIRTY,
};

/* Pages that other tasks have too, by fork(2). To pin such a page for reading gives its task a copy of its
 * own (gup_must_unshare() in the kernel), which would cost the tree what it shares; process_vm_readv(2)
 * pins, /proc/PID/mem does not. */
static bool is_shared(const struct dump_vma *vma)
{
	return vma->data == DUMP_VMA_PRIVATE && vma->map->others;
}

/* One walk for all mappings: tens of thousands of them are no special case. */
struct look {
	struct dump_mem *mem;
	size_t vma; /* the first that ends behind what was looked at */
	enum dump_track_by by;
	bool parent; /* there is a set before this one */
	bool lazy;   /* pages that may come later stay here */
	bool marked;  /* the task's memory was marked, and it runs */
	size_t fresh; /* of the task's: the first that ends behind what was looked at */
};

/* What is to be done with pages that show these categories. */
static uint32_t run_flags(const struct look *look, const struct dump_vma *vma, uint64_t categories)
{
	uint32_t flags = IMG_RUN_PRESENT | (vma->lazy ? IMG_RUN_LAZY : 0);

	if (!(vma->rec.status & IMG_VMA_ANON_PRIVATE) || vma->data == DUMP_VMA_WHOLE)
		flags |= DUMP_RUN_KEEP;
	if (look->by == TRACK_BY_MARKS && categories & KERN_PAGE_WPALLOWED)
		return categories & KERN_PAGE_WRITTEN ? flags : (flags & ~IMG_RUN_PRESENT) | IMG_RUN_PARENT;
	if (look->by == TRACK_BY_SOFT_DIRTY)
		return categories & KERN_PAGE_SOFT_DIRTY ? flags : (flags & ~IMG_RUN_PRESENT) | IMG_RUN_PARENT;
	if (look->lazy && vma->lazy)
		return IMG_RUN_LAZY;
	return look->parent ? flags | DUMP_RUN_COMPARE : flags;
}

static int add_run(struct look *look, uint64_t start, uint64_t end, const struct dump_vma *vma, uint64_t categories,
	struct img_err *err)
{
	uint32_t flags = run_flags(look, vma, categories);
	struct dump_mem *mem = look->mem;
	struct img_run *last = mem->nr_runs ? &mem->runs[mem->nr_runs - 1] : NULL, *run;

	/* The image merges runs again; here one is of one mapping, or of several that are read alike. */
	if (last && last->flags == flags && last->addr + last->nr_pages * IMG_PAGE == start &&
		(start > vma->rec.start || is_shared(vma) == is_shared(vma - 1))) {
		last->nr_pages += (end - start) / IMG_PAGE;
		return 0;
	}
	run = img_array_more(&mem->runs, mem->nr_runs, &mem->room_runs);
	if (!run)
		return img_fail_nomem(err);
	*run = (struct img_run){ .addr = start, .nr_pages = (end - start) / IMG_PAGE, .flags = flags };
	mem->nr_runs++;
	return 0;
}

static int add_guard(struct dump_mem *mem, uint64_t start, uint64_t end, struct img_err *err)
{
	VmaEntry *last = mem->nr_guards ? &mem->guards[mem->nr_guards - 1] : NULL, *rec;

	if (last && last->end == start) {
		last->end = end;
		return 0;
	}
	rec = img_array_more(&mem->guards, mem->nr_guards, &mem->room_guards);
	if (!rec)
		return img_fail_nomem(err);
	vma_entry__init(rec);
	rec->start = start;
	rec->end = end;
	rec->status = IMG_VMA_GUARD;
	rec->fd = -1;
	mem->nr_guards++;
	return 0;
}

static int whole_mappings(struct look *look, uint64_t upto, struct img_err *err);

/* In a pre-dump whose task runs on with all its memory marked. Pages that were not marked before are stored. Of the others those
 * that are still marked are as in the set before; the rest was written after it all, and is the next set's. */
static int add_marked(struct look *look, uint64_t start, uint64_t end, const struct dump_vma *vma, uint64_t categories,
	struct img_err *err)
{
	const uint64_t unknown = look->by == TRACK_BY_MARKS ? KERN_PAGE_WPALLOWED | KERN_PAGE_WRITTEN : 0;
	const struct dump_mem *mem = look->mem;

	while (start < end) {
		const struct kern_pages *fresh;
		uint64_t upto = end;

		while (look->fresh < mem->nr_fresh && mem->fresh[look->fresh].end <= start)
			look->fresh++;
		fresh = look->fresh < mem->nr_fresh ? &mem->fresh[look->fresh] : NULL;
		if (fresh && fresh->start <= start) {
			upto = fresh->end < end ? fresh->end : end;
			if (add_run(look, start, upto, vma, unknown, err) < 0)
				return -1;
		} else {
			upto = fresh && fresh->start < end ? fresh->start : end;
			if (!(categories & KERN_PAGE_WRITTEN) &&
				add_run(look, start, upto, vma, categories, err) < 0)
				return -1;
		}
		start = upto;
	}
	return 0;
}

/* A range of equal pages: it can reach over several mappings. */
static int look_at(void *arg, const struct kern_pages *pages, struct img_err *err)
{
	struct look *look = arg;
	struct dump_mem *mem = look->mem;

	if (whole_mappings(look, pages->start, err) < 0)
		return -1;
	for (size_t i = look->vma; i < mem->nr_vmas && mem->vmas[i].rec.start < pages->end; i++) {
		const struct dump_vma *vma = &mem->vmas[i];
		uint64_t start = pages->start > vma->rec.start ? pages->start : vma->rec.start;
		uint64_t end = pages->end < vma->rec.end ? pages->end : vma->rec.end;
		int ret = 0;

		if (pages->categories & KERN_PAGE_GUARD)
			ret = add_guard(mem, start, end, err);
		else if (vma->data == DUMP_VMA_PRIVATE)
			ret = (look->marked && pages->categories & KERN_PAGE_WPALLOWED ? add_marked : add_run)(
				look, start, end, vma, pages->categories, err);
		if (ret < 0)
			return -1;
	}
	return 0;
}

/* Step over the mappings that end before upto; those that are stored as a whole get their run on the way,
 * whatever pages of them were touched. */
static int whole_mappings(struct look *look, uint64_t upto, struct img_err *err)
{
	for (; look->vma < look->mem->nr_vmas; look->vma++) {
		const struct dump_vma *vma = &look->mem->vmas[look->vma];

		if (vma->rec.end > upto)
			break;
		if (vma->data == DUMP_VMA_WHOLE &&
			add_run(look, vma->rec.start, vma->rec.end, vma, 0, err) < 0)
			return -1;
	}
	return 0;
}

/* It has no page of a file. */
static bool is_anonymous(const struct dump_vma *vma)
{
	return vma->data == DUMP_VMA_PRIVATE && vma->rec.status & IMG_VMA_ANON_PRIVATE && !vma->map->ino;
}

/* One walk for all mappings, and another way to walk where much anonymous memory is: to know that a page is one of a file, the kernel
 * looks at what it knows of the page itself, which is not in the cache. */
static int scan_all(struct look *look, const struct kern_pagemap *pm, const struct kern_page_query *query, uint64_t end,
	struct img_err *err)
{
	struct kern_page_query without_files = *query;
	const struct dump_mem *mem = look->mem;
	uint64_t at = mem->vmas[0].rec.start;

	without_files.without &= ~(uint64_t)KERN_PAGE_FILE;
	for (size_t i = 0; i < mem->nr_vmas && at < end; i++) {
		const struct dump_vma *vma = &mem->vmas[i];

		if (!is_anonymous(vma) || vma->rec.end - vma->rec.start < LARGE)
			continue;
		if ((at < vma->rec.start && kern_pagemap_scan(pm, at, vma->rec.start, query, look_at, look, err) < 0) ||
			kern_pagemap_scan(pm, vma->rec.start, vma->rec.end, &without_files, look_at, look, err) < 0)
			return -1;
		at = vma->rec.end;
	}
	return at < end ? kern_pagemap_scan(pm, at, end, query, look_at, look, err) : 0;
}

/* Without PAGEMAP_SCAN, holes between mappings cost as much as memory. */
static int scan_each(struct look *look, const struct kern_pagemap *pm, const struct kern_page_query *query,
	struct img_err *err)
{
	const struct dump_mem *mem = look->mem;

	for (size_t i = 0; i < mem->nr_vmas; i++)
		if (mem->vmas[i].data != DUMP_VMA_NOTHING && mem->vmas[i].data != DUMP_VMA_WHOLE &&
			kern_pagemap_scan(pm, mem->vmas[i].rec.start, mem->vmas[i].rec.end, query, look_at, look,
				err) < 0)
			return -1;
	return 0;
}

/* The end of the last mapping of the task's own half of the address space. */
static uint64_t last_end(const struct dump_mem *mem)
{
	size_t i = mem->nr_vmas;

	while (i && mem->vmas[i - 1].rec.end > INT64_MAX)
		i--;
	return i ? mem->vmas[i - 1].rec.end : 0;
}

static int look_for_pages(struct dump *d, struct dump_task *t, struct img_err *err)
{
	struct look look = {
		.mem = t->mem,
		/* A copy has no marks. */
		.by = t->mem->copy ? TRACK_BY_NOTHING : dump_track_of(d, t),
		.parent = d->track && d->track->parent,
		.lazy = d->lazy,
		.marked = t->mem->armed && !t->mem->copy,
	};
	struct kern_page_query query = own_pages;
	struct kern_pagemap pm;
	int ret;

	if (!t->mem->nr_vmas)
		return 0;
	if (kern_pagemap_open(t->mem->copy ? t->mem->copy : t->pid, &pm, err) < 0)
		return -1;
	query.show |= shown_by[look.marked ? TRACK_BY_MARKS : look.by];
	ret = pm.can_scan ? scan_all(&look, &pm, &query, last_end(t->mem), err) : scan_each(&look, &pm, &query, err);
	kern_pagemap_close(&pm);
	return ret < 0 ? ret : whole_mappings(&look, UINT64_MAX, err);
}

/* A task that runs on in a pre-dump may end: nobody misses its pages. */
static int find_pages(struct dump *d, struct dump_task *t, struct img_err *err)
{
	struct img_err why = IMG_ERR_INIT;

	if (look_for_pages(d, t, &why) == 0)
		return 0;
	if (d->running && !t->mem->copy)
		return dump_unless_gone(&why, err) < 0 ? -1 : 0;
	*err = why;
	return -1;
}

static int pages_task(struct dump *d, struct dump_task *t, struct img_err *err)
{
	return d->snap ? 0 : find_pages(d, t, err);
}

/* ---- storing ---- */

struct memory {
	pid_t pid;
	int fd; /* /proc/PID/mem */
	const struct dump_mem *mem;
	bool shared;  /* all of it, with the task that runs on */
	bool runs_on; /* the task: what was there may be gone, and is of no interest then */
};

/* Through the file: gets what the task itself may not read (PROT_NONE and the like), and leaves shared
 * pages alone. */
static int read_by_file(const struct memory *m, const struct iovec *piece, char *buf, struct img_err *err)
{
	size_t done = 0;

	while (done < piece->iov_len) {
		ssize_t got =
			pread(m->fd, buf + done, piece->iov_len - done, (uintptr_t)piece->iov_base + done);

		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0 && m->runs_on) {
			/* The page where it stopped. */
			got = IMG_PAGE - done % IMG_PAGE;
			memset(buf + done, 0, got);
		}
		if (got < 0 && (errno == EIO || errno == EHWPOISON))
			return img_fail(err, IMG_UNSUPPORTED, "a poisoned page at %#zx is not supported", (uintptr_t)piece->iov_base + done);
		if (got <= 0)
			return img_fail_sys(err, "reading memory at %#zx", (uintptr_t)piece->iov_base + done);
		done += got;
	}
	return 0;
}

static const struct dump_vma *vma_at(const struct dump_mem *mem, uint64_t addr)
{
	size_t low = 0, high = mem->nr_vmas;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (mem->vmas[mid].rec.end <= addr)
			low = mid + 1;
		else
			high = mid;
	}
	return &mem->vmas[low];
}

static bool by_file(const struct memory *m, const struct iovec *piece)
{
	const struct dump_vma *vma = vma_at(m->mem, (uintptr_t)piece->iov_base);

	return m->shared || is_shared(vma) || !(vma->map->prot & PROT_READ);
}

/* Pieces that may be read by process_vm_readv(2), in one go; how many bytes it took, 0 when it refuses the
 * first one. */
static ssize_t read_quickly(const struct memory *m, const struct iovec *pieces, int nr, char *buf, size_t len,
	struct img_err *err)
{
	struct iovec local = { buf, len };
	ssize_t got;

	do
		got = process_vm_readv(m->pid, &local, 1, pieces, nr, 0);
	while (got < 0 && errno == EINTR);
	if (got < 0 && (errno == EFAULT || errno == ENOMEM || m->runs_on))
		return 0;
	return got < 0 ? img_fail_sys(err, "reading memory") : got;
}

static int read_memory(
	void *arg, const struct iovec *pieces, int nr, void *buf, size_t len, struct img_err *err)
{
	const struct memory *m = arg;
	char *to = buf;
	int i = 0;

	while (i < nr) {
		ssize_t got = 0;
		size_t want = 0;
		int k = i;

		while (k < nr && !by_file(m, &pieces[k]))
			want += pieces[k++].iov_len;
		if (k > i)
			got = read_quickly(m, pieces + i, k - i, to, want, err);
		if (got < 0)
			return -1;
		/* Whole pieces that were read; then the one that was not, or not to its end. */
		for (; i < k && (size_t)got >= pieces[i].iov_len; i++) {
			got -= pieces[i].iov_len;
			to += pieces[i].iov_len;
		}
		if (i == nr)
			break;
		if (read_by_file(m, &pieces[i], to, err) < 0)
			return -1;
		to += pieces[i].iov_len;
		i++;
	}
	return 0;
}

static int pages_pages(struct dump *d, struct dump_task *t, struct img_err *err)
{
	pid_t copy = t->mem->copy;
	struct memory memory = {
		.pid = copy ? copy : t->pid, .mem = t->mem, .runs_on = d->running && !copy, .shared = copy
	};
	struct dump_source src = { read_memory, &memory };
	struct dump_pages_count count;
	cleanup_fd int fd = -1;
	char path[32];

	snprintf(path, sizeof(path), "/proc/%d/mem", memory.pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 && !memory.runs_on)
		return img_fail_sys(err, "%s", path);
	memory.fd = fd;

	if (dump_pages_write(d, IMG_PAGEMAP, t->vpid, t->mem->runs, t->mem->nr_runs, &src, &count, err) < 0)
		return -1;
	d->stats.pages_scanned += count.written + count.parent + count.zero + count.lazy;
	d->stats.pages_skipped_parent += count.parent;
	d->stats.pages_written += count.written;
	d->stats.pages_lazy += count.lazy;
	log_info(d->log, "pid %d: %" PRIu64 " pages in %zu runs; %" PRIu64 " as in the set before, %" PRIu64 " of zeros",
		t->pid, count.written, t->mem->nr_runs, count.parent, count.zero);
	return 0;
}

int dump_memory_read(struct dump *d, struct dump_task *t, uint64_t addr, char *buf, size_t len, struct img_err *err)
{
	struct memory memory = { .pid = t->pid, .mem = t->mem };
	cleanup_fd int fd = -1;
	char path[32];
	int ret = 0;

	snprintf(path, sizeof(path), "/proc/%d/mem", t->pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return img_fail_sys(err, "%s", path);
	memory.fd = fd;
	/* A piece is of one mapping. */
	while (len && !ret) {
		const struct dump_vma *vma = vma_at(t->mem, addr);
		uint64_t left = vma->rec.end - addr;
		struct iovec piece = { (void *)(uintptr_t)addr, left < len ? left : len };

		ret = read_memory(&memory, &piece, 1, buf, piece.iov_len, err);
		addr += piece.iov_len;
		buf += piece.iov_len;
		len -= piece.iov_len;
	}
	return ret;
}

/* ---- of a pre-dump ---- */

/* Only what is worth it: private anonymous memory. The rest, mapped files and what is the kernel's, is stored by the dump. All there
 * is to go by is /proc/PID/maps: the flags of a mapping (smaps) take as long to get as everything else together. */
static int pages_pre(struct dump *d, struct dump_task *t, struct img_err *err)
{
	dev_t shmem_dev;

	if (!dump_mem(t))
		return img_fail_nomem(err);
	if (kern_shmem_dev(&shmem_dev, err) < 0)
		return -1;
	for (size_t i = 0; i < t->maps->nr; i++) {
		const struct kern_vma *map = &t->maps->vmas[i];
		struct dump_vma_class class = dump_vma_class(map, shmem_dev);
		struct dump_vma *v;

		if (class.refused || class.status & (IMG_VMA_VDSO | IMG_VMA_VVAR | IMG_VMA_VSYSCALL) ||
			!(class.status & IMG_VMA_ANON_PRIVATE) || map->shared)
			continue;
		v = img_array_more(&t->mem->vmas, t->mem->nr_vmas, &t->mem->room_vmas);
		if (!v)
			return img_fail_nomem(err);
		t->mem->nr_vmas++;
		vma_entry__init(&v->rec);
		v->map = map;
		v->rec.start = map->start;
		v->rec.end = map->end;
		v->rec.status = class.status;
		v->data = DUMP_VMA_PRIVATE;
	}
	return find_pages(d, t, err);
}

const struct task_dump_ops pages_dump_ops = {
	.name = "pages",
	.task = pages_task,
	.late = find_pages,
	.pre = pages_pre,
	.pages = pages_pages,
};
