/* engines/mem/aio/aio-dump.c -- contexts of asynchronous I/O (io_setup(2)): what criu-dump saves of each.
 *
 * A context is known to its task by the address of its ring, a mapping of the kernel's with the events that
 * were not taken yet. The ring is stored like memory. What is still under way when the task is stopped cannot
 * be seen by anybody; most of it is done before the pages are read.
 */

#include <inttypes.h>
#include <stdio.h>
#include <sys/syscall.h>

#include "criu-dump/mem.h"
#include "criu-dump/task_ops.h"
#include "kernel/ptrace.h"
#include "parasite/restore.h"

extern const struct task_dump_ops aio_dump_ops;

#define EVENT 32u

/* A ring is mapped once for each context, but a child made by fork(2) has its parent's rings mapped, and no
 * context of its own. */
struct ring {
	const struct kern_vma *vma;
	struct blob_aio_ring head;
	long alive; /* 0: there is a context */
};

struct rings {
	struct ring *items;
	size_t nr;
};

static bool is_ring(const struct kern_vma *vma)
{
	return (dump_vma_class(vma, 0).status & IMG_VMA_AIORING) != 0;
}

static int check_ring(struct dump *d, struct dump_task *t, const struct kern_vma *vma)
{
	struct img_err why = IMG_ERR_INIT;
	struct blob_aio_ring ring;
	uint64_t len = vma->end - vma->start;
	char what[64];

	snprintf(what, sizeof(what), "mapping %" PRIx64 "-%" PRIx64, vma->start, vma->end);
	if (kern_vm_read(t->pid, vma->start, &ring, sizeof(ring), &why) < 0)
		return d->dry_run ? 0 : dump_block(d, t, what, "ring of asynchronous I/O: %s", why.text);
	if (vma->offset || ring.magic != BLOB_AIO_MAGIC || ring.header != sizeof(ring) ||
		ring.nr != (len - sizeof(ring)) / EVENT || ring.head >= ring.nr || ring.tail >= ring.nr)
		return dump_block(d, t, what, "a ring of asynchronous I/O that is not whole is not supported");
	return 0;
}

static int aio_check(struct dump *d, struct dump_task *t, struct img_err *err)
{
	for (size_t i = 0; i < t->maps->nr; i++)
		if (is_ring(&t->maps->vmas[i]) && check_ring(d, t, &t->maps->vmas[i]) < 0)
			return img_fail_nomem(err);
	return 0;
}

static int aio_ask(struct dump *d, struct dump_task *t, struct inject_batch *b, struct img_err *err)
{
	struct rings *rings = dump_keep(d, t, &aio_dump_ops, sizeof(*rings));
	size_t nr = 0;

	if (!rings)
		return img_fail_nomem(err);
	for (size_t i = 0; i < t->maps->nr; i++)
		nr += is_ring(&t->maps->vmas[i]);
	if (!nr)
		return 0;
	rings->items = img_arena_array(&t->arena, nr, sizeof(*rings->items));
	if (!rings->items)
		return img_fail_nomem(err);
	for (size_t i = 0; i < t->maps->nr; i++) {
		const struct kern_vma *vma = &t->maps->vmas[i];
		struct ring *ring;

		if (!is_ring(vma))
			continue;
		ring = &rings->items[rings->nr++];
		ring->vma = vma;
		/* Of nothing, nothing is taken. */
		inject_call(b, &ring->alive, SYS_io_getevents, inj_val(vma->start), inj_val(0), inj_val(0), inj_val(0),
			inj_val(0));
	}
	return 0;
}

static int aio_task(struct dump *d, struct dump_task *t, struct img_err *err)
{
	struct rings *rings = dump_keep(d, t, &aio_dump_ops, sizeof(*rings));

	if (!rings)
		return img_fail_nomem(err);
	if (!rings->nr)
		return 0;
	t->mem->aios = img_arena_array(&t->arena, rings->nr, sizeof(*t->mem->aios));
	if (!t->mem->aios)
		return img_fail_nomem(err);
	for (size_t i = 0; i < rings->nr; i++) {
		struct ring *ring = &rings->items[i];
		AioRingEntry *e = img_arena_message(&t->arena, AioRingEntry, aio_ring_entry);

		if (!e)
			return img_fail_nomem(err);
		if (kern_vm_read(t->pid, ring->vma->start, &ring->head, sizeof(ring->head), err) < 0)
			return -1;
		e->id = ring->vma->start;
		e->ring_len = ring->vma->end - ring->vma->start;
		/* What was asked for is not shown. The kernel doubles it, adds two and rounds up to whole pages:
		 * this gives the same ring. */
		e->nr_req = (ring->head.nr - 3) / 2;
		t->mem->aios[t->mem->nr_aios++] = e;
		if (ring->alive < 0)
			log_warn(d->log,
				"pid %d: the ring of asynchronous I/O at %" PRIx64
				" is its parent's: it gets a context of its own",
				t->pid, ring->vma->start);
		else
			log_warn(d->log,
				"pid %d: asynchronous I/O %" PRIx64
				": requests that are still under way cannot be seen, and are lost",
				t->pid, ring->vma->start);
		log_info(d->log, "pid %d: asynchronous I/O %" PRIx64 ": %u places, events %u to %u", t->pid,
			ring->vma->start, ring->head.nr, ring->head.head, ring->head.tail);
	}
	return 0;
}

const struct task_dump_ops aio_dump_ops = {
	.name = "aio",
	.check = aio_check,
	.ask = aio_ask,
	.task = aio_task,
};
