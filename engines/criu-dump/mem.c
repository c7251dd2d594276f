/* engines/criu-dump/mem.c -- what the rooms of mem/ share of a task, and the list of shared segments. */

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "criu-dump/mem.h"
#include "criuimg/array.h"

struct dump_mem *dump_mem(struct dump_task *t)
{
	if (!t->mem) {
		t->mem = calloc(1, sizeof(*t->mem));
		if (t->mem)
			t->mem->uffd = -1;
	}
	return t->mem;
}

void dump_mem_free(struct dump_task *t)
{
	if (!t->mem)
		return;
	free(t->mem->vmas);
	free(t->mem->guards);
	free(t->mem->runs);
	free(t->mem->fresh);
	if (t->mem->uffd >= 0)
		close(t->mem->uffd);
	free(t->mem);
	t->mem = NULL;
}

/* Where shmid is, or belongs: items are kept in the order of shmids. */
static size_t segment_place(const struct dump_shmem *s, uint64_t shmid)
{
	size_t low = 0, high = s->nr;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (s->items[mid].shmid < shmid)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

int dump_shmem_add(struct dump *d, uint64_t shmid, struct img_err *err, const char *path, ...)
{
	struct dump_shmem *s = d->shmem;
	struct dump_segment *seg;
	size_t at;
	va_list ap;

	if (!s) {
		s = d->shmem = calloc(1, sizeof(*s));
		if (!s)
			return img_fail_nomem(err);
	}
	at = segment_place(s, shmid);
	if (at < s->nr && s->items[at].shmid == shmid)
		return 0;
	if (!img_array_more(&s->items, s->nr, &s->room))
		return img_fail_nomem(err);
	memmove(s->items + at + 1, s->items + at, (s->nr - at) * sizeof(*s->items));
	s->nr++;
	seg = &s->items[at];
	*seg = (struct dump_segment){ .shmid = shmid };
	va_start(ap, path);
	vsnprintf(seg->path, sizeof(seg->path), path, ap);
	va_end(ap);
	return 0;
}

void dump_shmem_free(struct dump *d)
{
	if (!d->shmem)
		return;
	for (size_t i = 0; i < d->shmem->nr; i++) {
		free(d->shmem->items[i].runs);
		if (d->shmem->items[i].held)
			munmap(d->shmem->items[i].held, d->shmem->items[i].held_len);
	}
	free(d->shmem->items);
	free(d->shmem);
	d->shmem = NULL;
}
