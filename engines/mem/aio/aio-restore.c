/* engines/mem/aio/aio-restore.c -- contexts of asynchronous I/O (io_setup(2)): how criu-restore makes them.
 *
 * The kernel chooses where a ring lies, and lets it be moved (Linux 3.19). All else of the new layout stands
 * by then, and the places of the rings are taken, so none of them gets in the way of another. How far head
 * and tail are the kernel counts itself; so as many requests are made as it takes.
 */

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#include "criu-restore/mem.h"
#include "criu-restore/task_ops.h"
#include "criuimg/cleanup.h"

#define EVENT 32u

static const VmaEntry *mapping_of(const MmEntry *mm, uint64_t start)
{
	for (size_t i = 0; i < mm->n_vmas; i++)
		if (mm->vmas[i]->start == start)
			return mm->vmas[i];
	return NULL;
}

static int aio_plan(struct restore *r, struct restore_task *t, struct img_err *err)
{
	size_t nr = 0;

	for (size_t i = 0; i < t->mm->n_aios; i++) {
		const AioRingEntry *e = t->mm->aios[i];
		const VmaEntry *v = mapping_of(t->mm, e->id);

		if (!v || !(v->status & IMG_VMA_AIORING) || v->end - v->start != e->ring_len ||
			e->ring_len % IMG_PAGE || !e->nr_req)
			return img_fail(err, IMG_CORRUPT, "asynchronous I/O %#" PRIx64 " has no such ring", e->id);
		for (size_t k = 0; k < i; k++)
			if (t->mm->aios[k]->id == e->id)
				return img_fail(
					err, IMG_CORRUPT, "asynchronous I/O %#" PRIx64 " comes twice", e->id);
	}
	for (size_t i = 0; i < t->mm->n_vmas; i++)
		nr += (t->mm->vmas[i]->status & IMG_VMA_AIORING) != 0;
	if (nr != t->mm->n_aios)
		return img_fail(
			err, IMG_CORRUPT, "%zu rings of asynchronous I/O of %zu contexts", nr, t->mm->n_aios);
	return 0;
}

/* The ring as it was, into memory of the tape. */
static int read_ring(struct restore *r, struct restore_task *t, const AioRingEntry *e, void *to, struct img_err *err)
{
	struct restore_pieces pieces = { 0 };
	struct img_pages_reader *pages;
	const struct blob_aio_ring *ring = to;
	size_t nr;
	int ret = img_pages_open(r->set, IMG_PAGEMAP, t->pid, &pages, err);

	if (ret <= 0)
		return ret < 0 ? -1 : img_fail(err, IMG_CORRUPT, "no page map");
	ret = 0;
	for (size_t i = img_pages_find(pages, e->id); ret == 0; i++) {
		const struct img_run *runs = img_pages_runs(pages, &nr);
		uint64_t start, end;

		if (i >= nr || runs[i].addr >= e->id + e->ring_len)
			break;
		start = runs[i].addr > e->id ? runs[i].addr : e->id;
		end = runs[i].addr + runs[i].nr_pages * IMG_PAGE;
		if (end > e->id + e->ring_len)
			end = e->id + e->ring_len;
		ret = restore_add_pages(
			pages, start, (end - start) / IMG_PAGE, (char *)to + (start - e->id), &pieces, err);
	}
	if (ret == 0)
		ret = restore_read_pieces(r, pieces.items, pieces.nr, err);
	free(pieces.items);
	img_pages_close(pages);
	if (ret < 0)
		return -1;
	if (ring->magic != BLOB_AIO_MAGIC || ring->header != sizeof(*ring) ||
		ring->nr != (e->ring_len - sizeof(*ring)) / EVENT || ring->head >= ring->nr ||
		ring->tail >= ring->nr)
		return img_fail(err, IMG_CORRUPT, "its pages are no ring");
	return 0;
}

static int tape_ring(struct restore *r, struct restore_task *t, const AioRingEntry *e, int fd,
	struct restore_tape *tape, struct img_err *err)
{
	const VmaEntry *v = mapping_of(t->mm, e->id);
	struct blob_aio aio = { .at = e->id, .len = e->ring_len, .nr_req = e->nr_req, .fd = fd };
	uint64_t content = tape_zero(tape, e->ring_len);
	struct blob_step *step;
	char what[64];

	/* Without memory the tape says so itself. */
	if (!content)
		return 0;
	if (read_ring(r, t, e, tape_memory(tape, content), err) < 0)
		return img_wrap(err, "asynchronous I/O %#" PRIx64, e->id);
	aio.content = (const struct blob_aio_ring *)content;
	snprintf(what, sizeof(what), "set up asynchronous I/O at %" PRIx64, e->id);
	step = tape_step(tape, TAPE_MAP, what, SYS_mmap, e->id, e->ring_len, PROT_NONE,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
	step->flags = BLOB_EXPECT;
	step->expect = e->id;
	tape_step(tape, TAPE_MAPPED, what, BLOB_AIO, tape_data(tape, &aio, sizeof(aio)));
	if (v->prot != (PROT_READ | PROT_WRITE))
		tape_step(tape, TAPE_PROTECT, what, SYS_mprotect, e->id, e->ring_len, v->prot);
	for (int advice = 0; advice < 64; advice++)
		if (v->madv & 1ull << advice)
			tape_step(tape, TAPE_PROTECT, what, SYS_madvise, e->id, e->ring_len, advice);
	if (v->flags & IMG_MAP_LOCKED)
		tape_step(tape, TAPE_PROTECT, what, SYS_mlock2, e->id, e->ring_len,
			v->lock_on_fault ? MLOCK_ONFAULT : 0);
	return 0;
}

static int aio_tape(struct restore *r, struct restore_task *t, struct restore_tape *tape, struct img_err *err)
{
	int fd;

	if (!t->mm->n_aios)
		return 0;
	/* Not of the image: it goes with the others of ours. */
	fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return img_fail_sys(err, "/dev/null");
	for (size_t i = 0; i < t->mm->n_aios; i++)
		if (tape_ring(r, t, t->mm->aios[i], fd, tape, err) < 0)
			return -1;
	return 0;
}

extern const struct task_restore_ops aio_restore_ops;

const struct task_restore_ops aio_restore_ops = {
	.name = "aio",
	.plan = aio_plan,
	.tape = aio_tape,
};
