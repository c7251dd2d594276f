/* engines/mem/pages/pages-dump.c -- the private memory of a task: which pages are stored, and storing them. */

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/uio.h>
#include <unistd.h>

#include "criu-dump/mem.h"
#include "criu-dump/task_ops.h"
#include "criuimg/array.h"
#include "criuimg/cleanup.h"
#include "kernel/pagemap.h"

/* ---- which ---- */

/* What is the task's own of a mapping: its pages are somewhere, not the page of zeros, not those of the file. Guard regions come
 * with them: the kernel shows them as swapped. */
static const struct kern_page_query private_pages = {
	.without = KERN_PAGE_PFNZERO | KERN_PAGE_FILE,
	.any = KERN_PAGE_PRESENT | KERN_PAGE_SWAPPED,
	.show = KERN_PAGE_GUARD,
};
static const struct kern_page_query guard_pages = { .any = KERN_PAGE_GUARD, .show = KERN_PAGE_GUARD };

struct look {
	struct dump_mem *mem;
	const struct dump_vma *vma;
};

static int add_run(struct dump_mem *mem, uint64_t start, uint64_t end, bool lazy, struct img_err *err)
{
	uint32_t flags = IMG_RUN_PRESENT | (lazy ? IMG_RUN_LAZY : 0);
	struct img_run *last = mem->nr_runs ? &mem->runs[mem->nr_runs - 1] : NULL, *run;

	if (last && last->flags == flags && last->addr + last->nr_pages * IMG_PAGE == start) {
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

static int look_at(void *arg, const struct kern_pages *pages, struct img_err *err)
{
	struct look *look = arg;

	if (pages->categories & KERN_PAGE_GUARD)
		return add_guard(look->mem, pages->start, pages->end, err);
	return add_run(look->mem, pages->start, pages->end, look->vma->lazy, err);
}

static int look_at_vma(struct dump_mem *mem, const struct dump_vma *vma, const struct kern_pagemap *pm, struct img_err *err)
{
	struct look look = { mem, vma };

	switch (vma->data) {
	case DUMP_VMA_NOTHING:
		return 0;
	case DUMP_VMA_WHOLE:
		return add_run(mem, vma->rec.start, vma->rec.end, vma->lazy, err);
	case DUMP_VMA_PRIVATE:
		return kern_pagemap_scan(pm, vma->rec.start, vma->rec.end, &private_pages, look_at, &look, err);
	case DUMP_VMA_SHARED:
		return kern_pagemap_scan(pm, vma->rec.start, vma->rec.end, &guard_pages, look_at, &look, err);
	}
	return 0;
}

static int pages_task(struct dump *d, struct dump_task *t, struct img_err *err)
{
	struct kern_pagemap pm;
	int ret = 0;

	if (kern_pagemap_open(t->pid, &pm, err) < 0)
		return -1;
	for (size_t i = 0; i < t->mem->nr_vmas && !ret; i++)
		ret = look_at_vma(t->mem, &t->mem->vmas[i], &pm, err);
	kern_pagemap_close(&pm);
	return ret;
}

/* ---- storing ---- */

struct memory {
	pid_t pid;
	int fd; /* /proc/PID/mem */
};

/* Through the file: reads what the task itself may not (PROT_NONE and the like), which process_vm_readv(2) refuses. */
static int read_slowly(const struct memory *m, const struct iovec *piece, char *buf, struct img_err *err)
{
	size_t done = 0;

	while (done < piece->iov_len) {
		ssize_t got = pread(m->fd, buf + done, piece->iov_len - done, (uintptr_t)piece->iov_base + done);

		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return img_fail_sys(err, "reading memory at %#zx", (uintptr_t)piece->iov_base + done);
		done += got;
	}
	return 0;
}

static int read_memory(void *arg, const struct iovec *pieces, int nr, void *buf, size_t len, struct img_err *err)
{
	const struct memory *m = arg;
	char *to = buf;

	while (nr) {
		struct iovec local = { to, len };
		ssize_t got = process_vm_readv(m->pid, &local, 1, pieces, nr, 0);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0 && errno != EFAULT && errno != ENOMEM)
			return img_fail_sys(err, "reading memory");
		/* Whole pieces that were read, and then the one that could not be. */
		while (nr && got >= (ssize_t)pieces->iov_len) {
			got -= pieces->iov_len;
			to += pieces->iov_len;
			len -= pieces->iov_len;
			pieces++;
			nr--;
		}
		if (!nr)
			break;
		if (read_slowly(m, pieces, to, err) < 0)
			return -1;
		to += pieces->iov_len;
		len -= pieces->iov_len;
		pieces++;
		nr--;
	}
	return 0;
}

static int pages_pages(struct dump *d, struct dump_task *t, struct img_err *err)
{
	struct memory memory = { .pid = t->pid };
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

	w = img_pages_create(d->set, IMG_PAGEMAP, t->vpid, err);
	if (!w)
		return -1;
	if (dump_pages_write(d, w, t->mem->runs, t->mem->nr_runs, &src, err) < 0) {
		img_pages_abort(w);
		return -1;
	}
	written = img_pages_written(w);
	d->stats.pages_scanned += written;
	d->stats.pages_written += written;
	log_info(d->log, "pid %d: %" PRIu64 " pages in %zu runs", t->pid, written, t->mem->nr_runs);
	return img_pages_finish(w, err);
}

const struct task_dump_ops pages_dump_ops = {
	.name = "pages",
	.task = pages_task,
	.pages = pages_pages,
};
