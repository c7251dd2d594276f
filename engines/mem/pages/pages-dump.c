/* engines/mem/pages/pages-dump.c -- the private memory of a task: which pages are stored, and storing
 * them. */

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <unistd.h>

#include "criu-dump/mem-remote.h"
#include "criu-dump/mem.h"
#include "criu-dump/task_ops.h"
#include "criuimg/array.h"
#include "criuimg/cleanup.h"
#include "kernel/pagemap.h"

/* ---- which ---- */

/* What is the task's own: a page that is somewhere, not the page of zeros, not one of a file. Guard regions
 * come with them: the kernel shows them as swapped. */
static const struct kern_page_query own_pages = {
	.without = KERN_PAGE_PFNZERO | KERN_PAGE_FILE,
	.any = KERN_PAGE_PRESENT | KERN_PAGE_SWAPPED,
	.show = KERN_PAGE_GUARD,
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
};

static int add_run(
	struct dump_mem *mem, uint64_t start, uint64_t end, const struct dump_vma *vma, struct img_err *err)
{
	uint32_t flags = IMG_RUN_PRESENT | (vma->lazy ? IMG_RUN_LAZY : 0);
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
			ret = add_run(mem, start, end, vma, err);
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
			add_run(look->mem, vma->rec.start, vma->rec.end, vma, err) < 0)
			return -1;
	}
	return 0;
}

/* Without PAGEMAP_SCAN, holes between mappings cost as much as memory. */
static int scan_each(struct look *look, const struct kern_pagemap *pm, struct img_err *err)
{
	const struct dump_mem *mem = look->mem;

	for (size_t i = 0; i < mem->nr_vmas; i++)
		if (mem->vmas[i].data != DUMP_VMA_NOTHING && mem->vmas[i].data != DUMP_VMA_WHOLE &&
			kern_pagemap_scan(pm, mem->vmas[i].rec.start, mem->vmas[i].rec.end, &own_pages,
				look_at, look, err) < 0)
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

static int pages_task(struct dump *d, struct dump_task *t, struct img_err *err)
{
	struct look look = { .mem = t->mem };
	struct kern_pagemap pm;
	int ret;

	if (!t->mem->nr_vmas)
		return 0;
	if (kern_pagemap_open(t->pid, &pm, err) < 0)
		return -1;
	ret = pm.can_scan ? kern_pagemap_scan(&pm, t->mem->vmas[0].rec.start, last_end(t->mem), &own_pages,
				    look_at, &look, err)
			  : scan_each(&look, &pm, err);
	kern_pagemap_close(&pm);
	return ret < 0 ? ret : whole_mappings(&look, UINT64_MAX, err);
}

/* ---- storing ---- */

struct memory {
	pid_t pid;
	int fd; /* /proc/PID/mem */
	const struct dump_mem *mem;
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

	return is_shared(vma) || !(vma->map->prot & PROT_READ);
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
	if (got < 0 && (errno == EFAULT || errno == ENOMEM))
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

static int count(struct dump *d, const struct dump_task *t, uint64_t written)
{
	d->stats.pages_scanned += written;
	d->stats.pages_written += written;
	log_info(d->log, "pid %d: %" PRIu64 " pages in %zu runs", t->pid, written, t->mem->nr_runs);
	return 0;
}

static int pages_pages(struct dump *d, struct dump_task *t, struct img_err *err)
{
	struct memory memory = { .pid = t->pid, .mem = t->mem };
	struct dump_source src = { read_memory, &memory };
	struct img_pages_writer *w;
	cleanup_fd int fd = -1;
	uint64_t written;
	char path[32];

	snprintf(path, sizeof(path), "/proc/%d/mem", t->pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return img_fail_sys(err, "%s", path);
	memory.fd = fd;

	if (d->remote) {
		if (dump_remote_pages(d, IMG_PAGEMAP, t->vpid, t->mem->runs, t->mem->nr_runs, &src, &written,
			    err) < 0)
			return -1;
		return count(d, t, written);
	}
	w = img_pages_create(d->set, IMG_PAGEMAP, t->vpid, err);
	if (!w)
		return -1;
	if (dump_pages_write(d, w, t->mem->runs, t->mem->nr_runs, &src, err) < 0) {
		img_pages_abort(w);
		return -1;
	}
	count(d, t, img_pages_written(w));
	return img_pages_finish(w, err);
}

const struct task_dump_ops pages_dump_ops = {
	.name = "pages",
	.task = pages_task,
	.pages = pages_pages,
};
